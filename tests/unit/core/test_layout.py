from __future__ import annotations

import string

from plugin.core.layout import ERRORS, MAC, PACKET, SESSION, WIRE_LEN_MAX


def test_sizes_are_those_that_the_compiled_core_asserts() -> None:
    assert (PACKET.size, SESSION.size, MAC.size) == (128, 288, 56)


def test_numpy_sees_the_same_bytes_as_struct() -> None:
    for layout in (PACKET, SESSION, MAC):
        dtype = layout.dtype()
        assert dtype.itemsize == layout.size
        assert dtype.names == layout.names


def test_fields_are_aligned_so_that_the_c_structs_need_no_packing() -> None:
    for layout in (PACKET, SESSION, MAC):
        for name, (kind, offset, *_) in (layout.dtype().fields or {}).items():
            assert offset % kind.base.itemsize == 0, name


def test_every_field_is_told() -> None:
    assert all(field.doc for layout in (PACKET, SESSION, MAC) for field in layout.fields)


def test_error_texts_take_only_their_value() -> None:
    for text in ERRORS:
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= {"value"}
        text.format(value=1)


def test_the_clip_is_the_documented_one() -> None:
    assert WIRE_LEN_MAX == 65_550
