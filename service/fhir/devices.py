"""Implanted devices, from the devices themselves or from the statement that one is in use."""

from service.fhir.elements import codings, present, reference, text
from service.fhir.work import Source, Work, has_status

_IN_USE = ("active", "on-hold")


def read_device(source: Source, work: Work) -> None:
    if not present(source.get("patient")):
        if not any(_device_of(use, work) is source for use in work.of("DeviceUseStatement")):
            work.refuse(source.name, "not-linked")
        return
    _state(source, source.name, work)


def read_device_use(source: Source, work: Work) -> None:
    if not has_status(source, _IN_USE):
        work.refuse(source.name, "status")
        return
    device = _device_of(source, work)
    if device is None:
        work.refuse(source.name, "no-code")
        return
    _state(device, source.name, work)


def _device_of(use: Source, work: Work) -> Source | None:
    return work.resource("Device", reference(use.get("device")))


def _state(device: Source, origin: str, work: Work) -> None:
    if text(device.get("status")) not in ("active", None) or present(device.get("statusReason")):
        work.refuse(origin, "status")
        return
    named = work.codebook.find("Device.type", codings(device.get("type")))
    for item, word in sorted(named, key=str):
        if word is not None:
            work.list_word(item, word, origin)
    if not named:
        work.refuse(origin, "no-code")
