"""What can go wrong with the record. No message holds anything of what was to be recorded."""


class NotRecorded(Exception):
    """It could not be recorded, now. What was to be recorded must not be acted on; it may be tried again under the same id."""


class WrongStore(NotRecorded):
    """Trying again does not help: the address is wrong, or what stands there is not a record that this version can write to."""


class NotKnown(LookupError):
    """There is no record of this id."""
