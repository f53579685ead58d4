"""Thresholds and report in a .tflite file: in, out, replaced, and everything else left alone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from tiny_models import edited, lenet, schema, zoo

from tflm_unit.converter import container
from tflm_unit.converter.errors import MetadataError, ModelError, UnitError
from tflm_unit.converter.pruning import LayerPruning, OperatingPoint, PruningConfig
from tflm_unit.converter.reader import read_graph

REPORT = {"settings": {"percentile": 20.0}, "layers": ["conv1"], "größe": None}


def config(model: bytes, threshold: int = 100) -> PruningConfig:
    graph = read_graph(model)
    thresholds = np.array([threshold], np.int16)
    layers = {
        graph.weights(layer).index: LayerPruning(thresholds, group_size=graph.output_channels(layer))
        for layer in graph.prunable
    }
    return PruningConfig((OperatingPoint("default", layers, 0.98, 0.7), OperatingPoint("full", {})))


def outputs(model: bytes) -> list[np.ndarray]:
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    rng = np.random.default_rng(0)
    for detail in interpreter.get_input_details():
        values = (
            rng.integers(-128, 128, detail["shape"])
            if detail["dtype"] == np.int8
            else rng.normal(size=detail["shape"])
        )
        interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]))
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def metadata_names(model: bytes) -> list[str]:
    file = schema.ModelT.InitFromPackedBuf(model, 0)
    return [entry.name.decode() for entry in file.metadata or ()]


def old_codes(file: Any) -> None:
    """Operator codes as converters wrote them until 2020: the 8-bit field alone."""
    for code in file.operatorCodes:
        code.builtinCode = 0


def with_metadata(model: bytes, name: str, value: bytes) -> bytes:
    def edit(file: Any) -> None:
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(value, np.uint8)
        entry.name, entry.buffer = name, len(file.buffers)
        file.buffers.append(buffer)
        file.metadata = [*(file.metadata or ()), entry]

    return edited(model, edit)


MODELS = {
    "lenet": lenet(),
    "zoo": zoo(),
    "old operator codes": edited(lenet(), old_codes),
    "other metadata": with_metadata(with_metadata(lenet(), "min_runtime_version", b"1.14.0"), "mine", b"xyz"),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_attach_and_strip(model: bytes) -> None:
    attached = container.attach(model, config(model), REPORT)
    points = container.read_config(attached)
    assert points is not None
    assert [p.name for p in points.points] == ["default", "full"]
    assert container.read_report(attached) == REPORT
    assert "TFLM_UNIT" in metadata_names(attached)
    np.testing.assert_equal(outputs(attached), outputs(model))

    stripped = container.strip(attached)
    assert metadata_names(stripped) == metadata_names(model)
    assert container.read_config(stripped) is None
    assert container.read_report(stripped) is None
    assert len(stripped) <= len(model) + 16 * len(read_graph(model).tensors)  # alignment alone
    tensors, expected = read_graph(stripped).tensors, read_graph(model).tensors
    assert [(t.name, t.shape) for t in tensors] == [(t.name, t.shape) for t in expected]
    np.testing.assert_equal(outputs(stripped), outputs(model))
    assert container.strip(stripped) is stripped


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_attaching_again_replaces(model: bytes) -> None:
    first = container.attach(model, config(model, 5), {"old": "report" * 100})
    again = container.attach(first, config(model, 100), REPORT)
    assert again == container.attach(model, config(model, 100), REPORT)
    assert container.attach(again, config(model), REPORT) == again
    assert container.read_report(container.attach(again, config(model), None)) is None


def test_what_others_added_behind_ours_survives() -> None:
    """Stripping removes a buffer in the middle; tensors and metadata behind it are renumbered."""
    model = lenet()
    graph = read_graph(model)

    def add_behind(file: Any) -> None:
        weights = file.subgraphs[0].tensors[graph.weights(graph.prunable[0]).index]
        file.buffers.append(file.buffers[weights.buffer])
        weights.buffer = len(file.buffers) - 1
        # The deprecated list of metadata buffers.
        file.metadataBuffer = [entry.buffer for entry in file.metadata]

    attached = edited(
        with_metadata(container.attach(model, config(model), REPORT), "theirs", b"content"), add_behind
    )
    for changed in (container.strip(attached), container.attach(attached, config(model, 7), REPORT)):
        file = schema.ModelT.InitFromPackedBuf(changed, 0)
        theirs = next(entry for entry in file.metadata if entry.name == b"theirs")
        assert bytes(file.buffers[theirs.buffer].data) == b"content"
        assert list(file.metadataBuffer) == [theirs.buffer]
        np.testing.assert_equal(outputs(changed), outputs(model))
    assert metadata_names(container.strip(attached)) == ["theirs"]


def test_buffers_are_aligned() -> None:
    attached = container.attach(MODELS["zoo"], config(MODELS["zoo"]), REPORT)
    file = schema.Model.GetRootAs(attached, 0)
    offsets = []
    for i in range(file.BuffersLength()):
        buffer = file.Buffers(i)
        if buffer.DataLength():
            offsets.append(buffer._tab.Vector(buffer._tab.Offset(4)))
    assert len(offsets) > 10
    assert {offset % 16 for offset in offsets} == {0}


def test_config_of_another_model_is_refused() -> None:
    with pytest.raises(MetadataError, match="not the weight tensor"):
        container.attach(lenet(), config(zoo()), None)


def test_unknown_version_is_refused() -> None:
    attached = container.attach(lenet(), config(lenet()), None)
    with pytest.raises(MetadataError, match="version is 7"):
        container.read_config(attached.replace(b"UnIT\x02\0", b"UnIT\x07\0"))


def test_report_must_be_json() -> None:
    with pytest.raises(UnitError, match="report"):
        container.attach(lenet(), config(lenet()), {"accuracy": float("nan")})


def labelled() -> bytes:
    """A model with TFLITE_METADATA of its own, which name a file of labels in the archive."""
    support = pytest.importorskip("tensorflow_lite_support.metadata.metadata_schema_py_generated")
    metadata, labels = support.ModelMetadataT(), support.AssociatedFileT()
    metadata.name, metadata.description = "digits", "Reads digits.\n\nBy somebody."
    labels.name, labels.type = "labels.txt", support.AssociatedFileType.TENSOR_AXIS_LABELS
    metadata.associatedFiles = [labels]
    builder = flatbuffers.Builder(0)
    builder.Finish(metadata.Pack(builder), file_identifier=b"M001")
    stream = io.BytesIO()
    stream.write(with_metadata(lenet(), "TFLITE_METADATA", bytes(builder.Output())))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(zipfile.ZipInfo("labels.txt", (2024, 2, 29, 1, 2, 4)), "zero\none\n")
    return stream.getvalue()


def metadata_of(model: bytes) -> Any:
    support = pytest.importorskip("tensorflow_lite_support.metadata.metadata_schema_py_generated")
    file = schema.ModelT.InitFromPackedBuf(model, 0)
    entry = next((e for e in file.metadata or () if e.name == b"TFLITE_METADATA"), None)
    return entry and support.ModelMetadataT.InitFromPackedBuf(bytes(file.buffers[entry.buffer].data), 0)


def files_of(model: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_existing_description_and_files_survive() -> None:
    model = labelled()
    attached = container.attach(model, config(model), REPORT)
    metadata = metadata_of(attached)
    assert metadata.name == b"digits"
    description = metadata.description.decode()
    assert description.startswith("Reads digits.\n\nBy somebody.\n\n[tflm-unit] ")
    assert "default (70.0% of the MACs skipped, accuracy 98.00%); full." in description
    assert [f.name for f in metadata.associatedFiles] == [b"labels.txt", b"tflm_unit_report.json"]
    files = files_of(attached)
    assert files["labels.txt"] == b"zero\none\n"
    assert list(files) == ["labels.txt", "tflm_unit_report.json"]
    assert container.attach(attached, config(model), REPORT) == attached

    stripped = container.strip(attached)
    assert metadata_of(stripped).description == b"Reads digits.\n\nBy somebody."
    assert [f.name for f in metadata_of(stripped).associatedFiles] == [b"labels.txt"]
    assert files_of(stripped) == {"labels.txt": b"zero\none\n"}


def test_metadata_displayer_reads_it_back() -> None:
    try:
        from tensorflow_lite_support.metadata.python.metadata import MetadataDisplayer
    except ImportError as error:
        pytest.skip(f"tflite-support's displayer cannot be imported: {error}")
    displayer = MetadataDisplayer.with_model_buffer(container.attach(labelled(), config(lenet()), REPORT))
    assert displayer.get_packed_associated_file_list() == ["labels.txt", "tflm_unit_report.json"]
    assert b"percentile" in displayer.get_associated_file_buffer("tflm_unit_report.json")
    assert "[tflm-unit]" in displayer.get_metadata_json()


def test_without_tflite_support(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_lite_support.metadata", None)
    attached = container.attach(lenet(), config(lenet()), REPORT)
    assert metadata_names(attached) == ["TFLM_UNIT"]
    assert container.read_report(attached) == REPORT
    assert metadata_names(container.strip(attached)) == []


def test_damaged_description_is_refused() -> None:
    pytest.importorskip("tensorflow_lite_support.metadata.metadata_schema_py_generated")
    for damaged in (b"", b"nonsense", b"\xff\xff\xff\x7fM001" + b"\xff" * 40):
        model = with_metadata(lenet(), "TFLITE_METADATA", damaged)
        with pytest.raises(ModelError, match="TFLITE_METADATA are damaged"):
            container.attach(model, config(model), None)


def test_damaged_archive_is_refused() -> None:
    attached = container.attach(lenet(), config(lenet()), REPORT)
    assert attached.count(b"percentile") == 1
    with pytest.raises(ModelError, match="associated files are damaged"):
        container.read_report(attached.replace(b"percentile", b"PERCENTILE"))


def test_archive_that_unpacks_without_end_is_refused() -> None:
    stream = io.BytesIO()
    stream.write(lenet())
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as member:
        for _ in range(300):
            member.write(bytes(1 << 20))
    assert len(stream.getvalue()) < 1 << 20
    with pytest.raises(ModelError, match="unpack to more than"):
        container.strip(stream.getvalue())


def test_nothing_here_imports_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys; from tflm_unit.converter import container, reader; from tiny_models import lenet;"
        "container.strip(lenet()); assert not {'tensorflow', 'keras', 'tflite_micro'} & set(sys.modules)"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
