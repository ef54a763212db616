"""`scripts/make_dashboards`: write every dashboard, and take away what is none any more."""

from __future__ import annotations

from pathlib import Path

from dashboards.boards import BOARDS

FOLDER = Path(__file__).parents[2] / "monitoring/grafana/dashboards"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = {FOLDER / f"{board.uid}.json": board.text() for board in BOARDS}
    for path, text in texts.items():
        path.write_text(text)
    for old in set(FOLDER.glob("*.json")) - texts.keys():
        old.unlink()


if __name__ == "__main__":
    main()
