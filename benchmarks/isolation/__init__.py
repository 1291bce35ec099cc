"""Does anything of one tenant ever reach another?

Random operations of many tenants against one daemon.  Every text, id and argument of a
tenant holds its canary; no answer, error, log line or metric of another may.  Beside that
a model of each tenant's sessions says what it must see, and nothing else.
"""
