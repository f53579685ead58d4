"""PlatformIO development platform: `platform = symlink://boards/platform`. docs/boards.md."""

from pathlib import Path

from platformio.platform.base import PlatformBase
from platformio.platform.board import PlatformBoardConfig
from platformio.platform.exception import UnknownBoard

BOARDS = Path(__file__).resolve().parent.parent


class TflmunitPlatform(PlatformBase):
    def get_boards(self, id_=None):
        """The boards that this platform has a compiler for: those of boards/*.json that name one."""
        if not self._BOARDS_CACHE:
            for path in sorted(BOARDS.glob("*.json")):
                config = PlatformBoardConfig(str(path))
                if config.get("tflm_unit.compiler", None):
                    config.manifest["platform"] = self.name
                    self._BOARDS_CACHE[path.stem] = config
        if id_ is None:
            return self._BOARDS_CACHE
        if id_ not in self._BOARDS_CACHE:
            raise UnknownBoard(id_)
        return self._BOARDS_CACHE[id_]
