"""Where a model's weights are, and how many bytes they have."""

from pathlib import Path

WEIGHTS = ("*.safetensors", "*.bin", "*.gguf")


class Unfit(Exception):
    """vLLM cannot serve this here. The message says why and what to do."""


def weights(model: str) -> int:
    """The bytes of a folder's weights, or of a model's on the hub. Unfit where there are none."""
    if model.startswith(("/", ".")):
        return of_folder(Path(model))
    return of_hub(model)


def of_folder(folder: Path) -> int:
    if not (folder / "config.json").is_file():
        raise Unfit(f"there is no model in {folder}: it has no config.json. Is the volume mounted?")
    for pattern in WEIGHTS:
        if files := list(folder.glob(pattern)):
            return sum(file.stat().st_size for file in files)
    raise Unfit(f"there are no weights in {folder}: none of {', '.join(WEIGHTS)}. Was the download cut short?")


def of_hub(model: str) -> int:
    """Asked of the cache first, so that a start needs no network where the model is there."""
    import huggingface_hub as hub  # comes with vLLM, and takes a second
    from huggingface_hub import errors

    try:
        return of_folder(Path(hub.snapshot_download(model, local_files_only=True)))
    except errors.LocalEntryNotFoundError:
        pass  # then from the hub
    try:
        found = hub.HfApi().model_info(model, files_metadata=True, timeout=30)
    except errors.GatedRepoError:
        raise Unfit(f"{model} is for those who accepted its terms: accept them, and give a token of yours") from None
    except errors.RepositoryNotFoundError:
        raise Unfit(f"there is no model {model} on the hub, or your token does not open it") from None
    except (OSError, errors.HfHubHTTPError) as error:
        raise Unfit(f"{model} is not in the cache, and the hub cannot be asked: {error}") from None
    return sum(file.size or 0 for file in found.siblings or () if Path(file.rfilename).match(WEIGHTS[0]))
