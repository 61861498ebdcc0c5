// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Errors of the discovery floor: why a strategy found nothing, why a document was refused.
#ifndef PEERKIT_DISCOVERY_ERROR_HPP
#define PEERKIT_DISCOVERY_ERROR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Errors of the discovery floor. Where an enumerator names no position, the position is 0.
enum class discovery_error : std::uint16_t {
    // The world could not do what a strategy asked for; reported by drivers as outcomes.
    unavailable = 1,  ///< The socket, file or program cannot be used; position is the operating system's error code.
    timed_out,        ///< The answer did not come in time; position is the time allowed in milliseconds.
    command_failed,   ///< The program ended with an error; position is its exit status.
    http_refused,     ///< The server answered with an error; position is the HTTP status.
    bad_reply,        ///< The server's answer is malformed.
    unresolved,       ///< There is no such name, or it has no such record; position is the resolver's code.
    server_failed,    ///< The name server could not tell (SERVFAIL, REFUSED); position is the resolver's code.
    unsupported,      ///< The driver cannot do what was asked for.
    untrusted_server, ///< Nobody who is trusted vouches that the server is the one that was meant (TLS).

    // Documents.
    empty_document, ///< The document is empty or only white space.
    utf16_document, ///< The document is UTF-16, as PowerShell's redirection writes it; UTF-8 is needed.
    invalid_utf8,   ///< The document holds bytes that are not UTF-8; position is the offset of the first.
    not_json,       ///< The document is not valid JSON; position is the offset.
    not_an_object,  ///< The JSON value is not an object.
    wrong_type,     ///< A field has another JSON type than the format says; field names it.
    trailing_bytes, ///< Text follows the JSON document; position is its offset.
    too_large,      ///< The document is larger than the limit; position is its size or, while reading, the limit.
    too_deep,       ///< The document is nested deeper than the limit; position is the offset.

    // What a well-formed document says.
    not_running, ///< The daemon is not connected (stopped, logged out, starting).
    left_out,    ///< Some of those listed are no candidates; position is how many.

    // Strategies.
    bad_entry,         ///< An entry of the list is not an endpoint; position is its index.
    bad_option,        ///< An option is outside its permitted values; field names it.
    bad_pattern,       ///< The name pattern is not valid; position is the offset.
    bad_range,         ///< The range is empty or upside down; position is its first number.
    wildcard_answer,   ///< Names that cannot exist are answered too; position is how many answers were dropped.
    unknown_provider,  ///< No strategy has this name; position is its offset in the text.
    unknown_option,    ///< The provider has no such option; position is its offset in the text.
    missing_option,    ///< The provider needs this option; field names it.
    unexpected_answer, ///< The strategy was resumed with something it had not asked for.
    stalled,           ///< The strategy neither ended nor asked for anything.
    nobody_found,      ///< The strategy answered that nobody is there.
    fewer_found,       ///< The strategy lost more than is believed at once; position is what is left.
    filtered_out,      ///< Candidates were taken out by a filter; position is how many.
    all_failed,        ///< Every strategy of the list failed; position is their number.
    stale_answer,      ///< The source says that its answer is old; position is the age in seconds.
    not_permitted,     ///< The source refuses: what it was shown gives no right to that.
};

} // namespace discovery

template <>
struct domain_of<discovery::discovery_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        using enum discovery::discovery_error;
        switch (static_cast<discovery::discovery_error>(value)) {
        case unavailable: return "the socket, file or program cannot be used";
        case timed_out: return "the answer did not come in time";
        case command_failed: return "the program ended with an error";
        case http_refused: return "the server answered with an error";
        case bad_reply: return "the server's answer is malformed";
        case unresolved: return "there is no such name, or it has no such record";
        case server_failed: return "the name server could not tell";
        case unsupported: return "the driver cannot do what was asked for";
        case untrusted_server: return "the server's certificate is not trusted, or is for another name";
        case empty_document: return "the document is empty";
        case utf16_document: return "the document is UTF-16, UTF-8 is needed";
        case invalid_utf8: return "the document holds bytes that are not UTF-8";
        case not_json: return "the document is not valid JSON";
        case not_an_object: return "the JSON value is not an object";
        case wrong_type: return "a field has another JSON type than the format says";
        case trailing_bytes: return "text follows the JSON document";
        case too_large: return "the document is larger than the limit";
        case too_deep: return "the document is nested deeper than the limit";
        case not_running: return "the daemon is not connected";
        case left_out: return "some of those listed are no candidates";
        case bad_entry: return "an entry of the list is not an endpoint";
        case bad_option: return "an option is outside its permitted values";
        case bad_pattern: return "the name pattern is not valid";
        case bad_range: return "the range is empty or upside down";
        case wildcard_answer: return "names that cannot exist are answered too";
        case unknown_provider: return "no strategy has this name";
        case unknown_option: return "the provider has no such option";
        case missing_option: return "the provider needs an option that is missing";
        case unexpected_answer: return "the strategy was resumed with something it had not asked for";
        case stalled: return "the strategy neither ended nor asked for anything";
        case nobody_found: return "the strategy answered that nobody is there";
        case fewer_found: return "the strategy lost more than is believed at once";
        case filtered_out: return "candidates were taken out by a filter";
        case all_failed: return "every strategy of the list failed";
        case stale_answer: return "the source says that its answer is old";
        case not_permitted: return "the source refuses, what it was shown gives no right to that";
        }
        return "unknown discovery error";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"discovery", &sentence};
};

PEERKIT_END_NAMESPACE

#endif
