"""Messages to other programs and people: alerts, sinks, and their delivery."""
