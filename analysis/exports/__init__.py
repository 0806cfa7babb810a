"""Exports of pictures and their labels, streamed in constant memory."""
