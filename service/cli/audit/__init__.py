"""`flask audit`: the record of decisions: verify it, make a decision again, export, erase, back up, restore."""

import click

from service.cli.audit.content import erase, export, show
from service.cli.audit.keeping import backup, drain, restore
from service.cli.audit.proving import head, replay_command, verify


@click.group("audit")
def audit() -> None:
    """The record of decisions: is it whole, what was decided and why, would the same be decided again?

    Every answer of the service is recorded before it leaves; its header Indication-Record names the record.
    The record stands where `audit.store` says (`flask settings show`).

    \b
    Examples:
      flask audit head                           the end of the chain: write it down elsewhere, now and then
      flask audit verify --anchor 1204:9f2c…     is it whole, and does it still hold what it held then?
      flask audit show 3f0c…                     one record
      flask audit replay 3f0c…                   decide it again with the rules of then: the same bytes?
      flask audit backup /backup/record.sqlite   while the service runs
    """


for command in (head, verify, show, replay_command, export, erase, backup, restore, drain):
    audit.add_command(command)
