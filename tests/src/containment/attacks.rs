//! The list of attacks: what is tried, what stops it, and what must be said.

use super::files;

/// One attack.
pub(super) struct Attack {
    pub(super) name: &'static str,
    /// The setting, or the part of the host, that stops it.
    pub(super) stopped_by: &'static str,
    pub(super) by: By,
    /// Part of what the host, or the guest, must be told.
    pub(super) error: &'static str,
    /// Whether requests to the allowed server are part of it.
    pub(super) reaches: bool,
}

/// Who attacks.
pub(super) enum By {
    /// A function of the hostile guest.
    Guest { function: &'static str, input: &'static str },
    /// The same, called once before without looking.
    Again { function: &'static str, input: &'static str },
    /// A file.
    File(fn() -> Vec<u8>),
}

impl Attack {
    const fn new(
        name: &'static str,
        stopped_by: &'static str,
        by: By,
        error: &'static str,
    ) -> Self {
        Self { name, stopped_by, by, error, reaches: false }
    }

    /// Begins with a request that is allowed.
    const fn reaching(mut self) -> Self {
        self.reaches = true;
        self
    }

    /// One line for the table, without what differs from run to run.
    pub(super) fn shorten(&self, error: &str) -> String {
        let at = error.find(self.error);
        at.map_or_else(|| error.chars().take(200).collect(), |_| self.error.to_owned())
    }
}

const fn guest(function: &'static str, input: &'static str) -> By {
    By::Guest { function, input }
}

const fn fetch(input: &'static str) -> By {
    guest("fetch", input)
}

const DENIED: &str = "HttpRequestDenied";
const PROHIBITED: &str = "DestinationIpProhibited";
const LIST: &str = "allow-list";
const ADDRESSES: &str = "addresses";
const HEADERS: &str = "forbidden headers";
const SYNTAX: &str = "syntax of headers";

pub(super) const ATTACKS: &[Attack] = &[
    // What a guest takes.
    Attack::new("spin for ever", "Limits::cpu", guest("spin", ""), "limit of computing time"),
    Attack::new("recurse without end", "Limits::stack", guest("recurse", ""), "limit of stack"),
    Attack::new("take all memory", "Limits::memory", guest("grow-memory", ""), "limit of memory"),
    Attack::new("grow a table", "Limits::table", By::File(files::grows_a_table), "limit of table"),
    Attack::new(
        "bring a large table",
        "Limits::table",
        By::File(files::large_table),
        "exceeds the limit of 10000",
    ),
    Attack::new(
        "sleep inside a host call",
        "Limits::call",
        guest("sleep", ""),
        "limit of time of a call",
    ),
    Attack::new("hoard handles", "Limits::handles", guest("many-handles", ""), "limit of handles"),
    Attack::new(
        "hand over an endless text",
        "Limits::transfer",
        guest("answer-for-ever", "6000000"),
        "limit of transfer",
    ),
    Attack::new(
        "pile up headers",
        "Limits::headers",
        guest("large-headers", ""),
        "limit of headers",
    ),
    // Where it goes.
    Attack::new(
        "call a host that is not allowed",
        LIST,
        fetch("GET https://example.com/v1/refunds/re_1"),
        DENIED,
    ),
    Attack::new("use another scheme", LIST, fetch("GET https://{allowed}/v1/refunds/re_1"), DENIED),
    Attack::new(
        "use a scheme of its own",
        "wasi:http",
        fetch("GET ftp://{allowed}/v1/refunds/re_1"),
        "HttpProtocolError",
    ),
    Attack::new("use another port", LIST, fetch("GET http://{forbidden}/v1/refunds/re_1"), DENIED),
    Attack::new(
        "use another method",
        LIST,
        fetch("DELETE http://{allowed}/v1/refunds/re_1"),
        DENIED,
    ),
    Attack::new("use another path", LIST, fetch("POST http://{allowed}/v1/payouts"), DENIED),
    Attack::new(
        "climb out of a path",
        LIST,
        fetch("GET http://{allowed}/v1/refunds/../payouts"),
        DENIED,
    ),
    Attack::new(
        "climb out of a path, escaped",
        LIST,
        fetch("GET http://{allowed}/v1/refunds/%2e%2e%2fpayouts"),
        DENIED,
    ),
    Attack::new(
        "hide the host behind user information",
        LIST,
        fetch("GET http://{allowed}@{forbidden}/v1/refunds/re_1"),
        DENIED,
    ),
    Attack::new(
        "follow a redirect to another host",
        LIST,
        guest("follow", "GET http://{allowed}/v1/refunds/re_redirect"),
        DENIED,
    )
    .reaching(),
    Attack::new(
        "reach loopback by a name",
        ADDRESSES,
        fetch("GET https://loopback.test:{port}/v1/refunds/re_1"),
        PROHIBITED,
    ),
    Attack::new(
        "reach a private address by a name",
        ADDRESSES,
        fetch("GET https://private.test:{port}/v1/refunds/re_1"),
        PROHIBITED,
    ),
    Attack::new(
        "reach the metadata service by a name",
        ADDRESSES,
        fetch("GET https://metadata.test:{port}/v1/refunds/re_1"),
        PROHIBITED,
    ),
    Attack::new(
        "reach loopback as IPv4 in IPv6, by a name",
        ADDRESSES,
        fetch("GET https://mapped.test:{port}/v1/refunds/re_1"),
        PROHIBITED,
    ),
    Attack::new(
        "reach loopback as IPv4 in IPv6, by number",
        LIST,
        fetch("GET http://[::ffff:127.0.0.1]:{port}/v1/refunds/re_1"),
        DENIED,
    ),
    Attack::new(
        "reach the metadata service by number",
        LIST,
        fetch("GET http://169.254.169.254/v1/refunds/re_1"),
        DENIED,
    ),
    Attack::new(
        "use a name that resolves anew",
        ADDRESSES,
        By::Again { function: "fetch", input: "GET https://rebinding.test:{port}/v1/refunds/re_1" },
        PROHIBITED,
    ),
    // What it says.
    Attack::new(
        "send its own Authorization",
        HEADERS,
        fetch("GET http://{allowed}/v1/refunds/re_1\nauthorization: Bearer sk_test_mine"),
        "header authorization: HeaderError::Forbidden",
    ),
    Attack::new(
        "send its own Host",
        HEADERS,
        fetch("GET http://{allowed}/v1/refunds/re_1\nhost: example.com"),
        "header host: HeaderError::Forbidden",
    ),
    Attack::new(
        "act for another account",
        HEADERS,
        fetch("GET http://{allowed}/v1/refunds/re_1\nstripe-context: acct_2"),
        "header stripe-context: HeaderError::Forbidden",
    ),
    Attack::new(
        "smuggle CR and LF in a value",
        SYNTAX,
        fetch("GET http://{allowed}/v1/refunds/re_1\nx-a: b\\r\\nauthorization: mine"),
        "HeaderError::InvalidSyntax",
    ),
    Attack::new(
        "smuggle CR and LF in a name",
        SYNTAX,
        fetch("GET http://{allowed}/v1/refunds/re_1\nx-a\\r\\nauthorization: mine"),
        "HeaderError::InvalidSyntax",
    ),
    Attack::new(
        "smuggle CR and LF in the path",
        "syntax of paths",
        fetch("GET http://{allowed}/v1/refunds/re_1\\r\\nhost: example.com"),
        "path refused",
    ),
    // How much.
    Attack::new(
        "send a thousand requests",
        "Limits::requests",
        guest("many-requests", "GET http://{allowed}/v1/refunds/re_1"),
        "limit of requests",
    )
    .reaching(),
    Attack::new(
        "open a thousand requests at once",
        "Limits::open_requests",
        guest("many-at-once", "GET http://{allowed}/v1/refunds/re_slow"),
        "limit of open requests",
    )
    .reaching(),
    Attack::new(
        "read an endless answer",
        "Limits::response",
        guest("read-for-ever", "GET http://{allowed}/v1/refunds/re_endless"),
        "HTTP response body size exceeds limit",
    )
    .reaching(),
    Attack::new(
        "wait for an answer that stalls",
        "Limits::between_bytes",
        guest("read-for-ever", "GET http://{allowed}/v1/refunds/re_stalled"),
        "connection read timeout",
    )
    .reaching(),
    Attack::new(
        "wait for an answer that never begins",
        "Limits::first_byte",
        fetch("GET http://{allowed}/v1/refunds/re_slow"),
        "HttpResponseTimeout",
    )
    .reaching(),
    Attack::new(
        "send an endless body",
        "Limits::request",
        guest("upload-for-ever", "POST http://{allowed}/v1/refunds"),
        "HttpRequestBodySize",
    ),
    // What it is.
    Attack::new(
        "a component that wants more imports",
        "list of imports",
        By::File(files::more_imports),
        "imports wasi:filesystem/types",
    ),
    Attack::new(
        "a component with many memories",
        "pool of memories",
        By::File(files::many_memories),
        "exceeds the configured maximum of 4",
    ),
    Attack::new("a truncated file", "validation", By::File(files::truncated), "damaged or cut off"),
    Attack::new(
        "a core module",
        "validation",
        By::File(files::core_module),
        "a core WebAssembly module",
    ),
    Attack::new("a bomb of nested types", "validation", By::File(files::nested_types), "type size"),
    Attack::new(
        "a bomb of nested components",
        "validation",
        By::File(files::nested_components),
        "levels of nesting",
    ),
    Attack::new(
        "a bomb of many components",
        "validation",
        By::File(files::many_components),
        "modules and components",
    ),
    Attack::new("a bomb of many types", "validation", By::File(files::many_types), "types count"),
    Attack::new("a file of 9 MB", "Limits::component", By::File(files::too_large), "at most"),
];
