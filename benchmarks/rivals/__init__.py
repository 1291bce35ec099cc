"""contextd beside what else is used to remember a conversation: the same turns and questions.

`python -m benchmarks.rivals --build DIR --data DIR`.
"""
