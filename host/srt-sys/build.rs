//! Finds the system's libsrt.

fn main() {
    // 1.5 has srt_listen_callback with reject reasons, and SRTO_PACKETFILTER settled.
    if let Err(error) = pkg_config::Config::new()
        .atleast_version("1.5.0")
        .probe("srt")
    {
        println!(
            "cargo::error=libsrt 1.5 or newer is needed (Debian: libsrt-openssl-dev): {error}"
        );
    }
}
