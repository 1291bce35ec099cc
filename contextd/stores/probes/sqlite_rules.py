"""What of the place of an SQLite file is dangerous to sessions; a table, over values read."""

from __future__ import annotations

from dataclasses import dataclass

from contextd.stores.probes.findings import Level, Rule

NETWORKED = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "afs"})
NETWORKED_BY_FUSE = ("fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone")
FLEETING = frozenset({"tmpfs", "ramfs"})
LITTLE_ROOM = 1 << 30
OTHERS_READ = 0o044


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was read of the file and its folder; `schema` and `mode` are None where no file is."""

    path: str = ""
    may_write: bool = True
    file_system: str = "ext4"
    free_bytes: int = LITTLE_ROOM
    mode: int | None = None
    schema: int | None = None
    newest: int = 0
    is_database: bool = True


RULES: tuple[Rule[FileFacts], ...] = (
    Rule(
        Level.ERROR,
        "access",
        lambda f: "not writable" if not f.may_write else "",
        "the daemon does not start",
        "make the folder, and let the daemon's user write to it and to the file",
    ),
    Rule(
        Level.ERROR,
        "format",
        lambda f: "no SQLite file" if not f.is_database else "",
        "the daemon does not start",
        "name another file in store.url, or restore this one",
    ),
    Rule(
        Level.ERROR,
        "file system",
        lambda f: (
            f.file_system
            if f.file_system in NETWORKED or f.file_system.startswith(NETWORKED_BY_FUSE)
            else ""
        ),
        "locks and syncs are not kept over a network; the file may be destroyed",
        "use a block volume, or a store that is a server (redis://, postgresql://)",
    ),
    Rule(
        Level.ERROR,
        "user_version",
        lambda f: f"{f.schema}, and we know {f.newest}" if (f.schema or 0) > f.newest else "",
        "a newer contextd has been here, and this one will not start",
        "run that version, or restore the backup made before it",
    ),
    Rule(
        Level.WARNING,
        "file system",
        lambda f: f.file_system if f.file_system in FLEETING else "",
        "sessions are in memory only: they end with the machine or the pod",
        "mount a volume there",
    ),
    Rule(
        Level.WARNING,
        "file system",
        lambda f: f.file_system if f.file_system == "overlay" else "",
        "this is the layer of a container: sessions end with it",
        "mount a volume there",
    ),
    Rule(
        Level.WARNING,
        "free space",
        lambda f: f"{f.free_bytes >> 20} MiB" if f.free_bytes < LITTLE_ROOM else "",
        "when it is used up every write is refused",
        "make room, or let sessions go sooner (sessions.ttl)",
    ),
    Rule(
        Level.WARNING,
        "mode",
        lambda f: f"{f.mode:o}" if f.mode is not None and f.mode & OTHERS_READ else "",
        "other users of the machine read the conversations",
        "chmod 600 the file and what stands beside it",
    ),
)
