"""What a daemon does under more load than it can bear: `python -m benchmarks.overload`."""
