"""Whether a checkpoint is signed by whom a policy trusts (integrity.md §5, §8).

Pure. The same for bundles and for receipts.
"""

from __future__ import annotations

from audit.policy import Policy
from audit.witnessed_time import cosigners
from runut.errors import BadInput
from runut.notes import parse_note, verified
from runut.proofs import SealProof


def demand_trusted(proof: SealProof, policy: Policy) -> list[str]:
    """That the ledger signed a proof's checkpoint and enough witnesses cosigned it; names these.

    Raises:
        BadInput: they did not, or a signature of one of them does not verify.
    """
    note, origin = parse_note(proof.note.encode()), proof.checkpoint().origin
    if origin != policy.ledger.name:
        raise BadInput("origin of the checkpoint", policy.ledger.name, origin)
    if not verified(note, [policy.ledger]):
        raise BadInput("checkpoint", f"a signature of {policy.ledger}", "none")
    witnesses = sorted(cosigners(note, policy))
    if len(witnesses) < policy.quorum:
        named = ", ".join(witnesses) or "none"
        raise BadInput("cosignatures", f"of {policy.quorum} trusted witnesses", named)
    return witnesses
