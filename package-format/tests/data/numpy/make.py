"""Writes the files beside it: what NumPy itself makes of each kind of array.

Made with numpy 2.4.6 and ml_dtypes 0.6.0. Running it again is needed only to add a kind.
"""

import pathlib

import ml_dtypes
import numpy

FOLDER = pathlib.Path(__file__).parent
GRID = numpy.arange(6).reshape(2, 3)

for name, array in {
    "truth": numpy.array([True, False, True]),
    "scalar": numpy.array(-3, "<i8"),
    "empty": numpy.zeros((0, 3), "<u2"),
    "big_endian": GRID.astype(">i2"),
    "fortran": numpy.asfortranarray(GRID.astype("<f4")),
    "half": numpy.array([1.5, -2], "<f2"),
    "brain": numpy.array([1.5, -2], ml_dtypes.bfloat16),
    "bytes": numpy.array([[b"a", b"\0b"], [b"", b"cde"]]),
    "unicode": numpy.array(["é", "", "a𝄞"]),
    "unicode_big_endian": numpy.array(["é", "ab"], ">U2"),
    "objects": numpy.array([1, "a"], object),
    "fields": numpy.array([(1, 2.0)], [("a", "<i4"), ("b", "<f8")]),
    "complex": numpy.array([1j]),
    "dates": numpy.array(["2020-01-01"], "M8[D]"),
    "records": numpy.zeros(2, "V3"),
}.items():
    numpy.save(FOLDER / f"{name}.npy", array, allow_pickle=True)

members = {"encoder/x": GRID.astype("<i4"), "b": numpy.array([0.5])}
numpy.savez(FOLDER / "stored.npz", **members)
numpy.savez_compressed(FOLDER / "deflated.npz", **members)
