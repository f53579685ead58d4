"""The data sets of the paper: MNIST, CIFAR-10, Speech Commands, UCI HAR and WiDar (docs/datasets.md)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..converter.errors import DataError, UnitError
from . import har, images, speech_commands, widar
from .arrays import Arrays

__all__ = ["DATA_SETS", "Arrays", "load"]


@dataclass(frozen=True)
class Format:
    """One way in which a data set lies on a disk. name: file or folder relative to a folder that is searched."""

    name: str
    read: Callable[[Path], Arrays]


@dataclass(frozen=True)
class DataSet:
    """formats: in the order in which they are looked for. source: where to get the data set."""

    formats: tuple[Format, ...]
    source: str


DATA_SETS = {
    "mnist": DataSet(
        (Format("mnist.npz", images.mnist_npz),),
        "`python -c 'import keras; keras.datasets.mnist.load_data()'` downloads it",
    ),
    "cifar10": DataSet(
        (
            Format("cifar-10-batches-py", images.cifar10_batches),
            Format("cifar-10-batches-py-target/cifar-10-batches-py", images.cifar10_batches),
            Format("cifar10.npz", images.cifar10_npz),
        ),
        "`python -c 'import keras; keras.datasets.cifar10.load_data()'` downloads it",
    ),
    "speech_commands": DataSet(
        (
            Format("speech_commands_v0.02", speech_commands.recordings),
            Format("speech_commands", speech_commands.records),
            Format("speech_commands.npz", speech_commands.spectra_npz),
            Format("kws.npz", speech_commands.spectra_npz),
        ),
        "unpack http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz into a folder of its name",
    ),
    "har": DataSet(
        (Format("UCI HAR Dataset", har.har_folder), Format("har.npz", har.har_npz)),
        "unpack the archive of https://archive.ics.uci.edu/dataset/240",
    ),
    "widar": DataSet(
        (Format("BVP", widar.bvp_folder),), "unpack BVP.zip of http://tns.thss.tsinghua.edu.cn/widar3.0/"
    ),
}


def load(name: str, folder: str | os.PathLike[str] | None = None) -> Arrays:
    """The data set `name`: mnist, cifar10, speech_commands, har or widar.

    folder: where to look, or the data set itself: an .npz file of any name, or a folder under its usual name
    (docs/datasets.md). None: $TFLM_UNIT_DATA, then the caches of Keras and TensorFlow Datasets.

    Raises UnitError for an unknown name; DataError, which says where to get it, when the data set is not there, and
    for files that are damaged or hold something else.
    """
    if name not in DATA_SETS:
        raise UnitError(f"data set is {name!r}; it takes one of {', '.join(DATA_SETS)}")
    data_set = DATA_SETS[name]
    folders = _default_folders() if folder is None else [Path(folder).expanduser()]
    for place in folders:
        for form in data_set.formats:
            itself = place.name == form.name or (place.is_file() and form.name.endswith(".npz"))
            path = place if itself else place / form.name
            if path.exists():
                return form.read(path)
    raise DataError(
        f"no data set {name} in {', '.join(map(str, folders))}: looked for "
        f"{', '.join(form.name for form in data_set.formats)}; {data_set.source}, or name its folder in "
        "TFLM_UNIT_DATA"
    )


def _default_folders() -> list[Path]:
    own = os.environ.get("TFLM_UNIT_DATA")
    keras = os.environ.get("KERAS_HOME", "~/.keras")
    tfds = os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
    return [Path(p).expanduser() for p in ([own] if own else []) + [f"{keras}/datasets", tfds]]
