"""Writes rows of SQLite as PostgreSQL's binary COPY reads them."""

import struct
import uuid


def binary(value, kind):
    """A value of SQLite as COPY of PostgreSQL reads it in binary."""
    if value is None:
        return struct.pack("!i", -1)
    if kind == "bigint":
        value = struct.pack("!q", value)
    elif kind == "boolean":
        value = struct.pack("!?", value)
    elif kind == "uuid" and isinstance(value, str):
        value = uuid.UUID(value).bytes
    elif isinstance(value, str):
        value = value.encode()
    return struct.pack("!i", len(value)) + value


def write_rows(file, source, table, columns):
    """Writes the rows of a table for COPY in binary."""
    file.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    count = struct.pack("!h", len(columns))
    kinds = [kind for _, kind in columns]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    for row in source.execute(f'SELECT {names} FROM "{table}"'):
        file.write(count + b"".join(map(binary, row, kinds)))
    file.write(struct.pack("!h", -1))
