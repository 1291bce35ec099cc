#!lua
--!
-- Nothing: the server refuses to begin a script that may write when no write would go through.
return 1
