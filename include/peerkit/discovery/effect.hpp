// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a discovery strategy can ask the world for, and what it is told in return.
#ifndef PEERKIT_DISCOVERY_EFFECT_HPP
#define PEERKIT_DISCOVERY_EFFECT_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Largest document a strategy asks for unless it is told otherwise.
inline constexpr std::size_t default_document_limit = std::size_t{32} << 20U;

// ---- What became of an effect ------------------------------------------------------------------------------------

struct elapsed {};
struct http_header {
    std::string name{};
    std::string value{};
    [[nodiscard]] friend bool operator==(http_header const&, http_header const&) = default;
};
struct http_reply {
    unsigned status = 0;
    std::string body{};
    std::vector<http_header> headers{}; ///< names in lower case; empty where the driver does not tell

    /// The value of the first header of this name, which is given in lower case; empty if there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept {
        for (http_header const& one : headers) {
            if (one.name == name) return one.value;
        }
        return {};
    }
};
struct command_exit {
    int status = 0;            ///< exit status; 128 + n when ended by signal n
    std::string output{};      ///< standard output
    std::string diagnostics{}; ///< the first 4 KiB of standard error, never mixed into `output`
};
/// Which state of a file was seen. Equal stamps: the file did not change.
struct file_stamp {
    std::int64_t modified_ns = 0; ///< of the system's clock
    std::uint64_t size = 0;
    std::uint64_t inode = 0; ///< another one after a rename over it
    [[nodiscard]] friend bool operator==(file_stamp const&, file_stamp const&) = default;
};
struct file_text {
    std::string text{};
    file_stamp stamp{};
};
struct file_changed {};
struct environment_value {
    std::optional<std::string> text{}; ///< none: the variable is not set
};
struct resolved {
    std::vector<ip_address> addresses{};    ///< at least one
    std::optional<duration> time_to_live{}; ///< the shortest of the records; none: the resolver does not tell
};
/// An SRV record (RFC 2782).
struct service_record {
    std::uint16_t priority = 0; ///< lower is asked first
    std::uint16_t weight = 0;   ///< share among those of one priority
    std::uint16_t port = 0;
    std::string target{}; ///< absolute, without the final dot; empty: the service is decidedly not there
    duration time_to_live{};
    [[nodiscard]] friend bool operator==(service_record const&, service_record const&) = default;
};
struct service_records {
    std::vector<service_record> records{}; ///< at least one, in the order of the answer
};
struct text_records {
    std::vector<std::string> strings{}; ///< every character-string of every TXT record, at least one
    duration time_to_live{};
};
struct named {
    std::string host{}; ///< without the final dot
};
/// One instance of a service on the local link (RFC 6763).
struct service_instance {
    std::string instance{}; ///< its own label: "peerkit-7f3a..."
    std::string host{};     ///< "name.local", without the final dot
    std::uint16_t port = 0;
    std::vector<ip_address> addresses{};
    std::vector<std::string> text{}; ///< "key=value" or "key", as announced
    duration time_to_live{};         ///< what is left of it
    [[nodiscard]] friend bool operator==(service_instance const&, service_instance const&) = default;
};
struct service_instances {
    std::vector<service_instance> instances{}; ///< may be empty: nobody answered
};

/// What this node says of itself, as it is now.
struct announcement {
    std::vector<std::byte> record{};          ///< signed; see `wire::record_view`
    network_id network{};                     ///< what it is signed for
    std::optional<crypto::signature> proof{}; ///< see `crypto::sign_challenge`; none: no challenge was given
    std::vector<std::string> registries{};    ///< "host:port" that members use, most frequent first; at most 8
};
struct announcement_changed {};

// ---- Effects -------------------------------------------------------------------------------------------------------

/// Resume me at `at`, or later; at once if it has passed.
struct wait_until {
    using outcome_type = elapsed;
    time_point at = never;
    [[nodiscard]] friend bool operator==(wait_until const&, wait_until const&) = default;
};

/// GET over a unix-domain socket: HTTP/1.1 with the Host header given, no Origin, no Referer, closed afterwards; the
/// reply may be chunked. Any HTTP status is an `http_reply`. Errors `unavailable`, `timed_out`, `too_large`,
/// `bad_reply`.
struct http_get {
    using outcome_type = http_reply;
    std::string socket_path{};
    std::string host{};
    std::string target{}; ///< "/path?query"
    duration timeout = std::chrono::seconds{5};
    std::size_t max_bytes = default_document_limit; ///< of the body
    [[nodiscard]] friend bool operator==(http_get const&, http_get const&) = default;
};

/// The methods that strategies need.
enum class http_method : std::uint8_t { get, put, post, remove };

/// One HTTP request, over TCP or TLS. Any HTTP status is an `http_reply`. Errors `unavailable`, `timed_out`,
/// `too_large`, `bad_reply`, `bad_option` (the URL, a header, the CA file), `unsupported` (the driver has no HTTP
/// client).
/// @code
/// step::ask(http_request{.url = "http://[2001:db8::7]:8000", .target = "/api/nodes?limit=100"});
/// @endcode
struct http_request {
    using outcome_type = http_reply;
    http_method method = http_method::get;
    std::string url{};    ///< "http://host:port" or "https://host:port"; an IPv6 address in brackets
    std::string target{}; ///< "/path?query"
    std::vector<http_header> headers{};
    std::string body{}; ///< of put and post
    duration timeout = std::chrono::seconds{5};
    std::size_t max_bytes = default_document_limit; ///< of the body of the reply
    std::string ca_file{};                          ///< PEM, for https; empty: what the system trusts
    /// Not 0: the request is over as soon as so many complete lines of the body have come, which are then the body.
    /// For replies that never end, one line for each thing that happened.
    std::size_t enough_lines = 0;
    [[nodiscard]] friend bool operator==(http_request const&, http_request const&) = default;
};

/// Reads this node's own announcement; with a challenge also signs that. Errors `unsupported` (the driver runs for no
/// node), `unavailable` (the node is not up), `bad_option` (a challenge over `crypto::largest_challenge`).
struct read_announcement {
    using outcome_type = announcement;
    std::vector<std::byte> challenge{};
    [[nodiscard]] friend bool operator==(read_announcement const&, read_announcement const&) = default;
};

/// Done when this node's announcement has another incarnation. Errors as `read_announcement`.
struct watch_announcement {
    using outcome_type = announcement_changed;
    std::uint64_t incarnation = 0;
    [[nodiscard]] friend bool operator==(watch_announcement const&, watch_announcement const&) = default;
};

/// From now on this node's announcement tells its peers, by the label `registry`, which registry it uses; empty: none.
/// Done at once, and nothing changes if it says so already. Errors as `read_announcement`.
struct use_registry {
    using outcome_type = elapsed;
    std::string text{}; ///< "host:port"
    [[nodiscard]] friend bool operator==(use_registry const&, use_registry const&) = default;
};

/// Runs a program found through PATH, without a shell, standard input closed; kills it when the time is over.
/// Any exit status is a `command_exit`. Errors `unavailable` (cannot be started), `timed_out`, `too_large`.
struct run_command {
    using outcome_type = command_exit;
    std::vector<std::string> argv{};
    duration timeout = std::chrono::seconds{8};
    std::size_t max_bytes = default_document_limit; ///< of standard output
    [[nodiscard]] friend bool operator==(run_command const&, run_command const&) = default;
};

/// Reads a whole file. Errors `unavailable`, `too_large`.
struct read_file {
    using outcome_type = file_text;
    std::string path{};
    std::size_t max_bytes = default_document_limit;
    [[nodiscard]] friend bool operator==(read_file const&, read_file const&) = default;
};

/// Done when the file no longer is in the state seen: written, replaced, gone, or there at last (no stamp: it was not
/// there). Noticed within about a second.
struct watch_file {
    using outcome_type = file_changed;
    std::string path{};
    std::optional<file_stamp> seen{};
    [[nodiscard]] friend bool operator==(watch_file const&, watch_file const&) = default;
};

/// Reads a variable of the process environment.
struct read_environment {
    using outcome_type = environment_value;
    std::string variable{};
    [[nodiscard]] friend bool operator==(read_environment const&, read_environment const&) = default;
};

enum class address_families : std::uint8_t { both, v4, v6 };

/// Looks up the addresses of a host name. A final dot keeps search domains out of it. Errors, which strategies must
/// tell apart: `unresolved` (the name service says that there is nothing), `server_failed` (it could not tell),
/// `timed_out` (it is silent), `bad_reply`; and `unavailable`.
struct resolve_name {
    using outcome_type = resolved;
    std::string host{};
    duration timeout = std::chrono::seconds{5}; ///< for one try
    address_families families = address_families::both;
    unsigned tries = 1; ///< all of them take at most `tries` times `timeout`
    [[nodiscard]] friend bool operator==(resolve_name const&, resolve_name const&) = default;
};

/// Looks up the SRV records of a name. Errors as `resolve_name`; `unsupported` where the resolver cannot.
struct resolve_service {
    using outcome_type = service_records;
    std::string name{}; ///< "_peerkit._udp.example.org"
    duration timeout = std::chrono::seconds{5};
    unsigned tries = 1;
    [[nodiscard]] friend bool operator==(resolve_service const&, resolve_service const&) = default;
};

/// Looks up the TXT records of a name. Errors as `resolve_service`.
struct resolve_text {
    using outcome_type = text_records;
    std::string name{};
    duration timeout = std::chrono::seconds{5};
    unsigned tries = 1;
    [[nodiscard]] friend bool operator==(resolve_text const&, resolve_text const&) = default;
};

/// Looks up the host name of an address. Errors as `resolve_name`.
struct resolve_address {
    using outcome_type = named;
    ip_address address{};
    duration timeout = std::chrono::seconds{5};
    [[nodiscard]] friend bool operator==(resolve_address const&, resolve_address const&) = default;
};

/// Asks the local link for instances of a service by multicast DNS (RFC 6762, 6763) and collects answers for at most
/// `listen`; less if they are known, or answers have ceased to come.
/// Errors `unavailable`, `unsupported`.
struct browse_services {
    using outcome_type = service_instances;
    std::string service{}; ///< "_peerkit._udp"; the domain is "local"
    duration listen = std::chrono::seconds{1};
    std::size_t max_instances = 1024;
    [[nodiscard]] friend bool operator==(browse_services const&, browse_services const&) = default;
};

/// One thing to be done by a driver. A driver that cannot do one answers with the error `unsupported`.
using effect = std::variant<wait_until, http_get, run_command, read_file, watch_file, read_environment, resolve_name,
                            resolve_service, resolve_text, resolve_address, browse_services, http_request,
                            read_announcement, watch_announcement, use_registry>;

/// What became of an effect: its `outcome_type`, or why not.
using outcome =
    std::variant<elapsed, http_reply, command_exit, file_text, file_changed, environment_value, resolved,
                 service_records, text_records, named, service_instances, announcement, announcement_changed, error>;

/// The error in `got`, or `unexpected_answer` if it answers another question: for the branch where `std::get_if` of
/// the hoped-for alternative gave nothing.
[[nodiscard]] inline error why_not(outcome const& got) noexcept {
    if (auto const* failed = std::get_if<error>(&got)) return *failed;
    return discovery_error::unexpected_answer;
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
