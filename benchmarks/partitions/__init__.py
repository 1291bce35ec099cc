"""Daemons and the servers of their stores killed, paused and cut off: is anything lost?"""
