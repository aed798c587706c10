//! Text as bytes. The engine has no `TextEncoder`.

/** The bytes of a text in UTF-8. */
export function encode(text) {
    // `encodeURIComponent` writes UTF-8 as %XX, which `unescape` takes for single characters.
    const octets = unescape(encodeURIComponent(text));
    return Uint8Array.from(octets, (octet) => octet.charCodeAt(0));
}

/** The text of bytes in UTF-8; throws a `URIError` when they are none. */
export function decode(bytes) {
    let octets = "";
    for (const byte of bytes) octets += String.fromCharCode(byte);
    return decodeURIComponent(escape(octets));
}
