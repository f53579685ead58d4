"""The front end and the synthesizer of examples/keyword_spotting, compiled for the host and called through ctypes."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
from core_library import FLAGS
from generated_c import compile_c
from sketches import EXAMPLES

SOURCES = EXAMPLES / "keyword_spotting" / "src"
WINDOW, HOP, FRAMES, BANDS, FEATURES = 480, 320, 49, 40, 10


class FrontEnd:
    CLASSES = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown")

    def __init__(self, folder: Path) -> None:
        library = folder / "front_end.so"
        files = [SOURCES / "front_end.c", SOURCES / "speech.c"]
        compile_c([*FLAGS, "-shared", "-fPIC", f"-I{SOURCES}", *files, "-o", library])
        self._c = ctypes.CDLL(str(library))

    def log_mel(self, window: np.ndarray) -> np.ndarray:
        """uint8 (BANDS,) of int16 (WINDOW,)."""
        result = np.empty(BANDS, np.uint8)
        samples = np.ascontiguousarray(window, np.int16)
        self._c.front_end_log_mel(
            samples.ctypes.data_as(ctypes.c_void_p), result.ctypes.data_as(ctypes.c_void_p)
        )
        return result

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """int8 (frames, FEATURES) of a stream of int16 samples."""
        state = (ctypes.c_int32 * 512)()
        features = (ctypes.c_int8 * FEATURES)()
        self._c.front_end_init(state)
        rows = [
            list(features)
            for sample in samples.tolist()
            if self._c.front_end_add(state, ctypes.c_int16(sample), features)
        ]
        return np.array(rows, np.int8).reshape(-1, FEATURES)

    def speech(self) -> np.ndarray:
        """What the sketch hears, whole blocks of HOP samples."""
        block = (ctypes.c_int16 * HOP)()
        blocks = []
        self._c.speech_init()
        more = True
        while more:
            more = bool(self._c.speech_read(block, HOP))
            blocks.append(np.array(block, np.int16))
        return np.concatenate(blocks)
