"""Sums of updates of which the server sees no summand: pairwise masks modulo 2³².

Every two centres agree on a mask by Diffie and Hellman's exchange; one adds it, the other subtracts
it, and in the sum it is gone (Bonawitz et al. 2017, without their recovery of drop-outs: where a
centre is lost before its summand came, the others mask anew without it). The server relays public
keys and is trusted to relay them unchanged.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from neurofuse.io.errors import ReadError

# group 14 of RFC 3526, 2048 bits
PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
GENERATOR = 2
SECRET_BITS = 256
MODULUS = 2**32
LONGEST_KEY = 512  # hexadecimal digits


def new_secret() -> int:
    """A private key."""
    return secrets.randbits(SECRET_BITS) | 1 << (SECRET_BITS - 1)


def public_key(secret: int) -> str:
    """What others may know of a private key, as hexadecimal digits."""
    return f"{pow(GENERATOR, secret, PRIME):x}"


def scale_of(clip: float, centres: int) -> float:
    """Whole numbers per unit, with which a sum over centres stays below 2³¹."""
    return (MODULUS // 2 - 1 - centres) / (clip * centres)


def masked(
    change: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    centre: str,
    secret: int,
    keys: Mapping[str, str],
    context: str,
    scale: float,
) -> dict[str, Tensor]:
    """A change as whole numbers under the masks that a centre shares with each other one.

    Parameters
    ----------
    change : dict of Tensor
        Of some parameters; the others count as unchanged.
    weights : dict of Tensor
        All parameters that centres may change.
    centre : str
        Whose change it is.
    secret : int
        Its private key.
    keys : dict of str
        Public keys of all centres of this sum, its own among them.
    context : str
        Masks are used once: another one for each round and attempt.
    scale : float
        Of `scale_of`.

    Returns
    -------
    dict of Tensor
        int32, the whole numbers modulo 2³².
    """
    flat = [
        torch.round(change[name].double() * scale).long().flatten()
        if name in change
        else torch.zeros(weight.numel(), dtype=torch.int64)
        for name, weight in weights.items()
    ]
    total = torch.cat(flat).numpy().astype(np.uint32)  # modulo 2³²
    for other, key in keys.items():
        if other != centre:
            mask = _mask(secret, key, context, len(total))
            total = total + mask if centre < other else total - mask
    return _shaped(total.view(np.int32), weights)


def unmasked_sum(
    summands: Iterable[Mapping[str, Tensor]], weights: Mapping[str, Tensor], scale: float
) -> dict[str, Tensor]:
    """The sum of the changes of all centres, float64, from what each sent under its masks."""
    total = np.zeros(sum(weight.numel() for weight in weights.values()), np.uint32)
    for summand in summands:
        whole = torch.cat([summand[name].flatten() for name in weights])
        total = total + whole.numpy().view(np.uint32)
    return _shaped(total.view(np.int32).astype(np.float64) / scale, weights)


def _mask(secret: int, key: str, context: str, count: int) -> np.ndarray:
    """Whole numbers that only the two owners of a pair of keys can know."""
    shared = pow(public_number(key), secret, PRIME)
    seed = shared.to_bytes(PRIME.bit_length() // 8, "big") + context.encode()
    return np.frombuffer(hashlib.shake_256(seed).digest(4 * count), np.dtype("<u4"))


def public_number(key: object) -> int:
    """A public key as a number; the few that would give the secret away are refused."""
    try:
        number = int(str(key)[:LONGEST_KEY], 16)
    except ValueError:
        number = 0
    if not 1 < number < PRIME - 1:
        raise ReadError("a public key that is none", "a number of the group", "start again")
    return number


def _shaped(flat: np.ndarray, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    sizes: Sequence[int] = [weight.numel() for weight in weights.values()]
    parts = torch.from_numpy(flat.copy()).split(list(sizes))
    return {n: p.reshape(weights[n].shape) for n, p in zip(weights, parts, strict=True)}
