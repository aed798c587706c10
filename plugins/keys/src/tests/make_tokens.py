"""Makes tokens.json: keys and tokens of another make than ours.

Needs PyJWT, cryptography and argon2-cffi. Private keys are thrown away, so that each run gives
other tokens.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import argon2
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

NOW = 1_800_000_000
SECRET = "an hmac secret of sixty-four bytes, which suffices for HS512 too"
CLAIMS = {
    "sub": "anna",
    "iss": "https://login.example.com",
    "aud": ["other", "pointsman"],
    "iat": NOW - 10,
    "exp": NOW + 3600,
    "streams": ["live/*"],
    "actions": ["publish", "read"],
}


def pem(key):
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header, claims, tag):
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(tag(signed.encode()))}"


def jwk(algorithm, key):
    return json.loads(algorithm.to_jwk(key.public_key()))


rsa_key = rsa.generate_private_key(65537, 2048)
small_rsa = rsa.generate_private_key(65537, 1024)
p256 = ec.generate_private_key(ec.SECP256R1())
p384 = ec.generate_private_key(ec.SECP384R1())
ed = ed25519.Ed25519PrivateKey.generate()
signers = {
    "HS256": SECRET,
    "HS384": SECRET,
    "HS512": SECRET,
    "RS256": rsa_key,
    "PS256": rsa_key,
    "ES256": p256,
    "ES384": p384,
    "EdDSA": ed,
}
keys = {alg: {"alg": alg, "pem": pem(key)} for alg, key in signers.items() if key is not SECRET}
keys |= {alg: {"alg": alg, "secret": SECRET} for alg in ("HS256", "HS384", "HS512")}
rsa_jwk = jwk(jwt.algorithms.RSAAlgorithm, rsa_key)
jwks = {
    "HS256": {"kty": "oct", "k": b64(SECRET.encode())},
    "RS256": rsa_jwk,
    "PS256": rsa_jwk,
    "ES256": jwk(jwt.algorithms.ECAlgorithm, p256),
    "ES384": jwk(jwt.algorithms.ECAlgorithm, p384),
    "EdDSA": jwk(jwt.algorithms.OKPAlgorithm, ed),
}
public = keys["RS256"]["pem"].encode()
forged = {
    "none": by_hand({"alg": "none"}, CLAIMS, lambda signed: b""),
    "hmac_with_the_public_key": by_hand(
        {"alg": "HS256"}, CLAIMS, lambda signed: hmac.digest(public, signed, hashlib.sha256)
    ),
}
document = {
    "secret": SECRET,
    "claims": CLAIMS,
    "keys": keys,
    "jwks": {alg: {"alg": alg, "jwk": value} for alg, value in jwks.items()},
    "tokens": {alg: jwt.encode(CLAIMS, key, alg, {"kid": "k1"}) for alg, key in signers.items()},
    "forged": forged,
    "small_rsa": {
        "key": {"alg": "RS256", "pem": pem(small_rsa)},
        "token": jwt.encode(CLAIMS, small_rsa, "RS256"),
    },
    "argon2": {
        "password": "correct horse",
        "id": argon2.PasswordHasher(time_cost=2, memory_cost=1024, parallelism=1).hash("correct horse"),
        "costly": argon2.PasswordHasher(time_cost=4, memory_cost=65536, parallelism=1).hash("correct horse"),
    },
}
Path(__file__).with_name("tokens.json").write_text(json.dumps(document, indent=2) + "\n")
