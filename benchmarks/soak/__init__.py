"""A daemon under steady load for minutes or hours: does it take more and more of anything?

`python -m benchmarks.soak --minutes 30`.
"""
