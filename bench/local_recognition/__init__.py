"""Labels of the local models on hand-labeled pictures: precision and recall."""
