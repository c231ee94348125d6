"""The body of an answer, unpacked by hand up to a cap: no compressed chunk can fill the memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import chain

from connectors import Nonsense, room

# Content-Encoding -> zlib's window; 0 is plain.
_GZIP = zlib.MAX_WBITS | 16
_WINDOWS = {"": 0, "identity": 0, "gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}


def unpacked(coding: str, chunks: Iterator[bytes], cap: int, where: str, larger: Callable[[], None]) -> bytes:
    """Read a body up to `cap` bytes after decompression; `coding` is its Content-Encoding, `where` its host for people.

    `larger` is called once, before more is read than needs no room. Raises Nonsense where it is
    larger, damaged or cut off.
    """
    coding = coding.strip().lower()
    if coding not in _WINDOWS:
        raise Nonsense(f"{where} compressed its answer in an unexpected way", "Earful will retry.")
    window = _WINDOWS[coding]
    if coding == "deflate":
        window, chunks = _told_apart(chunks)
    unpack = zlib.decompressobj(window) if window else None
    kept = bytearray()
    large = False
    try:
        for chunk in chunks:
            left = chunk
            while left and len(kept) <= cap:
                if not large and len(kept) > room.FREE:
                    large = True
                    larger()
                if unpack is None:
                    kept += left
                    break
                if unpack.eof:  # gzip may come in several members, one after the other
                    unpack = zlib.decompressobj(window)
                most = cap + 1 if large else room.FREE + 1
                kept += unpack.decompress(left, most - len(kept))
                left = unpack.unconsumed_tail or unpack.unused_data
            if len(kept) > cap:
                raise Nonsense(f"{where} sent more than {cap:,} bytes", "Check the address, or request less at a time.")
    except zlib.error as error:
        raise Nonsense(f"{where} sent a corrupt compressed answer", "Earful will retry.") from error
    if unpack and kept and not unpack.eof:
        raise Nonsense(f"{where} cut its answer off", "Earful will retry.")
    return bytes(kept)


def _told_apart(chunks: Iterator[bytes]) -> tuple[int, Iterator[bytes]]:
    """Tell by its first two bytes what a server calls "deflate": zlib, as it should be, bare, or even gzip."""
    head = b""
    while len(head) < 2 and (chunk := next(chunks, b"")):
        head += chunk
    if head[:2] == b"\x1f\x8b":
        window = _GZIP
    else:
        is_zlib = head[:1] and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0
        window = zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS
    return window, chain([head], chunks)
