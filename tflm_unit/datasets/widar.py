"""WiDar 3.0 (Zheng et al., MobiSys 2019): gestures as body-coordinate velocity profiles (BVP) of WiFi signals."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..converter.errors import DataError
from .arrays import Arrays, make

CLASSES = ("push_pull", "sweep", "clap", "slide", "draw_o", "draw_zigzag")
CELLS, FRAMES = 20, 22
PARTS = {4: "test", 3: "val"}  # by number of the repetition modulo 5; the others train
NAME = re.compile(r"user(\d+)-(\d+)-(\d+)-(\d+)-(\d+)-.*\.mat")

# A file's gesture number means another gesture from day to day, on one day from user to user (tables in README.pdf of
# the data set). By date and, where it matters, user: numbers of the six gestures above; the others are left out.
_BASIC = {1: 0, 2: 1, 3: 2}
_SIX = {**_BASIC, 4: 3, 5: 4, 6: 5}
_NO_SLIDE = {**_BASIC, 4: 4, 5: 5}
_DRAWN = {1: 3, 2: 4, 3: 5}
GESTURES: dict[str, dict[int, int]] = {
    "20181109": {**_BASIC, 4: 3},
    "20181115": _BASIC,
    "20181117": _BASIC,
    "20181118": _BASIC,
    "20181121": _DRAWN,
    "20181127": _DRAWN,
    "20181128": _NO_SLIDE,
    "20181130": _SIX,
    "20181204": _SIX,
    "20181205 user2": {1: 4, 2: 5},
    "20181205 user3": _DRAWN,
    "20181208": {**_BASIC, 4: 3},
    "20181209": _SIX,
    "20181211": _SIX,
}
# Dates on which only digits were drawn.
OTHER_DATES = ("20181112", "20181116")
ROOM_2 = ("20181117", "20181118", "20181127", "20181128", "20181204", "20181205", "20181208", "20181209")
ROOM_3 = ("20181211",)


def bvp_folder(folder: Path) -> Arrays:
    """The unpacked BVP.zip: <date>-VS/6-link/user<N>/user<N>-<gesture>-<position>-<orientation>-<repetition>-*.mat

    Profiles (N, 20, 20, 22): velocities x and y of -2 .. 2 m/s, frames of 0.1 s as channels. Each frame is divided by
    its largest value; shorter gestures end in zeros. Every fifth repetition tests, another validates.
    ids: user, room, position and orientation. Needs SciPy.
    """
    try:
        from scipy.io import loadmat
    except ModuleNotFoundError as error:
        raise DataError(
            f"{folder} holds .mat files: SciPy reads them, run `pip install tflm-unit[widar]`"
        ) from error
    rows: dict[str, list[tuple[np.ndarray, int, tuple[int, ...]]]] = {"train": [], "val": [], "test": []}
    for path in sorted(folder.glob("**/*.mat")):
        described = _describe(path.relative_to(folder))
        if described is None:
            continue
        part, gesture, ids = described
        try:
            profile = np.asarray(loadmat(path)["velocity_spectrum_ro"], np.float32)
        except Exception as error:  # SciPy raises nearly anything for a damaged file
            raise DataError(f"cannot read {path}: {error}") from error
        if profile.shape[:2] != (CELLS, CELLS) or profile.ndim != 3:
            if profile.size == 0:  # a few of the files are empty
                continue
            raise DataError(f"{path} holds {profile.shape} values; (20, 20, frames) is needed")
        rows[part].append((_padded(profile), gesture, ids))
    if not all(rows.values()):
        raise DataError(f"{folder} has no files of the six gestures in {[p for p in rows if not rows[p]]}")
    parts = [(np.stack([r[0] for r in part]), np.array([r[1] for r in part])) for part in rows.values()]
    where = {
        f"{name}_{part}": np.array([r[2][i] for r in rows[part]])
        for part in rows
        for i, name in enumerate(("user", "room", "position", "orientation"))
    }
    return make(parts, CLASSES, where)


def _describe(path: Path) -> tuple[str, int, tuple[int, int, int, int]] | None:
    """Part, class and (user, room, position, orientation) by a file's name; None for other gestures."""
    match = NAME.fullmatch(path.name)
    date = next((p[:8] for p in path.parts if re.fullmatch(r"2018\d{4}(-VS)?", p)), None)
    if match is None or date is None:
        raise DataError(
            f"{path} is not named <date>-VS/.../user<N>-<gesture>-<position>-<orientation>-<repetition>-*.mat"
        )
    user, number, position, orientation, repetition = map(int, match.groups())
    numbers = GESTURES.get(date, GESTURES.get(f"{date} user{user}"))
    if numbers is None:
        if date not in OTHER_DATES:
            raise DataError(f"{path}: the gestures of user {user} on {date} are not known")
        return None
    if number not in numbers:
        return None
    room = 2 if date in ROOM_2 else 3 if date in ROOM_3 else 1
    return PARTS.get(repetition % 5, "train"), numbers[number], (user, room, position, orientation)


def _padded(profile: np.ndarray) -> np.ndarray:
    frames = profile[..., :FRAMES]
    frames = frames / np.maximum(frames.max(axis=(0, 1), keepdims=True), 1e-12)
    return np.pad(frames, ((0, 0), (0, 0), (0, FRAMES - frames.shape[2])))
