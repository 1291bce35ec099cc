"""What was acknowledged, is it there?  After a kill, and after a power loss.

`rounds` puts daemons under load and kills them; `ledger` knows what they promised, `audit`
compares.  `disk` is a disk that keeps what was synced, and of the rest what chance gives;
`losses` lets the real store lose power over it.  `record` adds the runs up.
"""
