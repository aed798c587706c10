//! The socket options in use, each with the type libsrt gives it (docs/API/API-socket-options.md).

use crate::ffi;
use libc::c_int;

macro_rules! options {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            pub(crate) const fn code(self) -> c_int {
                match self { $(Self::$variant => ffi::$code,)* }
            }
        }
    };
}

options! {
    /// Options of C++ type `bool`.
    BoolOption {
        /// Sending waits for room.
        SendBlocks = SRTO_SNDSYN,
        /// Receiving and accepting wait.
        ReceiveBlocks = SRTO_RCVSYN,
        /// Packets too late to be played are dropped.
        DropTooLate = SRTO_TLPKTDROP,
        /// A handshake with a wrong or one-sided passphrase is refused.
        EnforceEncryption = SRTO_ENFORCEDENCRYPTION,
        /// The peer is called while it calls.
        Rendezvous = SRTO_RENDEZVOUS,
        /// The UDP port may be shared by sockets of this process.
        ReuseAddress = SRTO_REUSEADDR,
    }
}

options! {
    /// Options of type `int32_t`.
    IntOption {
        /// How long a caller waits for the handshake, in ms.
        ConnectTimeoutMs = SRTO_CONNTIMEO,
        /// Delay this side keeps as receiver, in ms; both sides' larger wish holds.
        ReceiveLatencyMs = SRTO_RCVLATENCY,
        /// Delay the peer is asked to keep as receiver, in ms.
        PeerLatencyMs = SRTO_PEERLATENCY,
        /// AES key length in bytes: 16, 24 or 32.
        KeyLengthBytes = SRTO_PBKEYLEN,
        /// State of decryption (`SRT_KM_STATE`): 0 none, 2 secured.
        ReceiveKeyState = SRTO_RCVKMSTATE,
        /// Largest message sent, in bytes.
        PayloadBytes = SRTO_PAYLOADSIZE,
        /// Packets in flight at most; libsrt needs at least 32.
        FlightPackets = SRTO_FC,
        /// Send buffer in bytes.
        SendBufferBytes = SRTO_SNDBUF,
        /// Receive buffer in bytes.
        ReceiveBufferBytes = SRTO_RCVBUF,
        /// Send buffer of the UDP socket in bytes.
        UdpSendBufferBytes = SRTO_UDP_SNDBUF,
        /// Receive buffer of the UDP socket in bytes.
        UdpReceiveBufferBytes = SRTO_UDP_RCVBUF,
        /// Retransmission allowance above the input rate, in percent.
        OverheadPercent = SRTO_OHEADBW,
        /// Silence after which the peer counts as gone, in ms.
        PeerIdleTimeoutMs = SRTO_PEERIDLETIMEO,
        /// Whether an IPv6 socket keeps to IPv6 (1) or takes IPv4 too (0).
        Ipv6Only = SRTO_IPV6ONLY,
    }
}

options! {
    /// Options of type `int64_t`.
    WideOption {
        /// Ceiling of the sending rate in bytes a second; 0: by input rate and overhead, -1: none.
        MaxBandwidth = SRTO_MAXBW,
        /// Input rate in bytes a second; 0: measured.
        InputBandwidth = SRTO_INPUTBW,
    }
}

options! {
    /// Options of type `char[]`.
    TextOption {
        /// 10 to 79 bytes, or empty for no encryption.
        Passphrase = SRTO_PASSPHRASE,
        /// At most 512 bytes.
        StreamId = SRTO_STREAMID,
    }
}
