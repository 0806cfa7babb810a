"""Health checks: heartbeat, watchdog, `manage.py doctor`, `manage.py check_aws`."""
