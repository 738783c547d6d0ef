"""The pre-flight, told: what each check finds, and what to write instead."""
