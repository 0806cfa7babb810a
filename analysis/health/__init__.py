"""Whether everything runs that must run: signs of life, the watchdog, the doctor."""
