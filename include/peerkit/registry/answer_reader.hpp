// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reads the answers of a registry, which need not be trusted.
#ifndef PEERKIT_REGISTRY_ANSWER_READER_HPP
#define PEERKIT_REGISTRY_ANSWER_READER_HPP

#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/json_fault.hpp>
#include <peerkit/discovery/json_values.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/payload.hpp>
#include <peerkit/registry/text_blocks.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Reads any answer into an `answer`. Fields may come in any order, unknown ones are passed by, null is as absent. A
/// row with a field of the wrong type or out of its bounds is left out and counted; so is one whose `id` is not that
/// of its record. Any other wrong field refuses the document. Texts hold no control characters and are as long as in a
/// `node_row` at most.
///
/// The reader keeps its buffers, and the rows it read are views into them: use one object, one document at a time. Not
/// thread-safe.
///
/// @code
/// registry::answer_reader reader;
/// registry::answer said;
/// if (auto done = reader.read(body, said); !done) return fail(done.error());
/// for (auto const& node : said.nodes) consider(node.record);
/// @endcode
class answer_reader {
public:
    /// Objects and lists within each other, in fields nobody knows.
    static constexpr std::size_t max_depth = 16;

    /// @param max_body  bytes that are looked at at most
    /// @param max_rows  rows that are kept at most; those beyond are left out and counted
    explicit answer_reader(std::size_t max_body = max_answer_body, std::size_t max_rows = 100'000) noexcept
        : max_body_{max_body}, max_rows_{max_rows} {}

    /// @par Errors `discovery_error`: `too_large`, `empty_document`, `utf16_document`, `invalid_utf8`, `not_json`,
    /// `not_an_object`, `trailing_bytes`, `too_deep`, `wrong_type`; `registry_error::malformed` for a value out of its
    /// bounds; position: an offset. After an error `out` is empty.
    [[nodiscard]] result<void> read(std::string_view body, answer& out) {
        out.clear();
        if (body.size() > max_body_) return fail(discovery::discovery_error::too_large, body.size(), "document");
        copy_.reserve(body.size() + simdjson::SIMDJSON_PADDING);
        copy_.assign(body);
        return read_padded(simdjson::padded_string_view{copy_.data(), copy_.size(), copy_.capacity()}, out);
    }
    /// The same for text followed by at least `SIMDJSON_PADDING` readable bytes, without a copy; it must outlive the
    /// use of `out`.
    [[nodiscard]] result<void> read_padded(simdjson::padded_string_view body, answer& out) {
        out.clear();
        if (body.size() > max_body_) return fail(discovery::discovery_error::too_large, body.size(), "document");
        text_ = {body.data(), body.size()};
        out_ = &out;
        fault_.reset();
        read_document(body);
        if (!fault_) return {};
        out.clear();
        return fail(*fault_);
    }

private:
    using object = simdjson::ondemand::object;
    using array = simdjson::ondemand::array;
    using value = simdjson::ondemand::value;
    using json = simdjson::ondemand::document;
    using field = simdjson::ondemand::field;
    using reading = discovery::json_reading;

    // ---- Errors ------------------------------------------------------------------------------------------------

    [[nodiscard]] std::size_t offset(char const* at) const noexcept {
        return at >= text_.data() && at <= text_.data() + text_.size() ? static_cast<std::size_t>(at - text_.data())
                                                                       : 0;
    }
    /// The document is no JSON: says what of it, once.
    void give_up(simdjson::error_code code, json* doc = nullptr) {
        using enum discovery::discovery_error;
        if (fault_) return;
        if (code == simdjson::CAPACITY || code == simdjson::MEMALLOC) {
            fault_ = error{too_large, text_.size(), "memory"};
        } else if (fault_ = discovery::find_json_fault(text_, max_depth); !fault_) {
            char const* here = text_.data();
            if (doc != nullptr && doc->current_location().get(here)) here = text_.data() + text_.size();
            fault_ = error{not_json, offset(here)};
        }
    }
    /// Why a value was not taken: of the wrong type, or out of its bounds.
    reading refuse(char const* key, char const* name) noexcept {
        if (!refused_) refused_ = error{registry_error::malformed, offset(key), name};
        return reading::wrong;
    }

    // ---- Values ------------------------------------------------------------------------------------------------

    static simdjson_inline reading read_number(value& v, std::uint64_t most, std::uint64_t& into) noexcept {
        std::uint64_t read = 0;
        if (v.get_uint64().get(read) != simdjson::SUCCESS) return discovery::read_json(v, read); // says why not
        if (read > most) return reading::wrong;
        into = read;
        return reading::got;
    }
    template <typename T>
    static simdjson_inline reading read_number(value& v, T& into) noexcept {
        std::uint64_t read = static_cast<std::uint64_t>(into);
        reading const state = read_number(v, static_cast<std::uint64_t>(std::numeric_limits<T>::max()), read);
        into = static_cast<T>(read);
        return state;
    }
    /// Text for people and machines alike: bounded, without control characters.
    static simdjson_inline reading read_text(value& v, std::size_t most, std::string_view& into) noexcept {
        reading state = reading::got;
        std::string_view const raw = discovery::raw_json_text(v, state);
        if (state != reading::got) return state;
        // A string of JSON holds no control characters but DEL as they are, only escaped.
        if (!discovery::may_hold(raw, '\\', '\x7f')) {
            if (raw.size() > most) return reading::wrong;
            into = raw;
            return state;
        }
        return read_escaped(v, most, into);
    }
    static reading read_escaped(value& v, std::size_t most, std::string_view& into) noexcept {
        reading state = reading::got;
        std::string_view const text = discovery::json_text(v, state);
        if (state != reading::got) return state;
        if (!check_text(text, most, "")) return reading::wrong;
        into = text;
        return state;
    }
    static reading read_text(value& v, std::size_t most, std::string& into) {
        std::string_view text = into;
        reading const state = read_text(v, most, text);
        if (state == reading::got) into = text;
        return state;
    }
    static simdjson_inline reading read_hex(value& v, byte_span into) noexcept {
        std::string_view text;
        reading const state = discovery::read_raw_json(v, text);
        return state != reading::got ? state : from_hex_blocks(text, into) ? state : reading::wrong;
    }
    static reading read_hex(value& v, std::uint64_t& into) noexcept {
        std::array<std::byte, 8> bytes{};
        reading const state = read_hex(v, byte_span{bytes});
        if (state == reading::got) into = load_big<std::uint64_t>(bytes.data());
        return state;
    }
    /// Bytes go to `bytes_`, which has room for those of the whole document.
    simdjson_inline reading read_record(value& v, byte_view& into) noexcept {
        std::string_view text;
        reading const state = discovery::read_raw_json(v, text);
        if (state != reading::got) return state;
        if (text.size() > base64_size(limits::record)) return reading::wrong;
        byte_span const room = byte_span{bytes_}.subspan(bytes_used_);
        auto const size = from_base64_blocks(text, room);
        if (!size || *size > limits::record) return reading::wrong;
        into = room.first(*size);
        bytes_used_ += *size;
        return state;
    }

    // ---- The document ------------------------------------------------------------------------------------------

    void read_document(simdjson::padded_string_view padded) {
        if (parser_.capacity() < padded.size()) {
            if (auto const code = parser_.allocate(padded.size() + padded.size() / 4)) return give_up(code);
        }
        if (bytes_.size() < padded.size() / 4 * 3 + 32) bytes_.resize(padded.size() / 4 * 3 + 32);
        bytes_used_ = 0;
        refused_.reset();
        has_usual_ = false;
        usual_ = {};
        std::size_t const last = text_.find_last_not_of(" \t\r\n");
        if (last == std::string_view::npos || text_[last] != '}') return give_up(simdjson::INCOMPLETE_ARRAY_OR_OBJECT);
        json doc;
        object top;
        if (auto const code = parser_.iterate(padded).get(doc)) return give_up(code);
        if (auto const code = doc.get_object().get(top)) return give_up(code);
        for (auto item : top) {
            if (item.error()) return give_up(item.error(), &doc);
            field&& f = std::move(item).value_unsafe();
            char const* const key = f.key().raw();
            reading const state = read_top_field(key, f.value());
            if (state == reading::broken) return give_up(simdjson::TAPE_ERROR, &doc);
            if (state == reading::wrong) {
                fault_ = refused_ ? *refused_ : error{registry_error::malformed, offset(key), "answer"};
                return;
            }
        }
        if (doc.current_location().error() != simdjson::OUT_OF_BOUNDS) return give_up(simdjson::TAPE_ERROR, &doc);
        if (has_usual_) fill_in_usual();
    }

    reading read_top_field(char const* key, value& v) {
        using discovery::json_key_is;
        answer& out = *out_;
        auto const named = [this, key](char const* name, reading state) {
            return state == reading::wrong ? refuse(key, name) : state;
        };
        switch (key[0]) {
        case 'b':
            if (json_key_is(key, "base\"")) return named("base", read_number(v, out.base));
            if (json_key_is(key, "behind_s\"")) return named("behind_s", read_number(v, out.mark.behind_s));
            break;
        case 'c':
            if (json_key_is(key, "challenge\"")) return named("challenge", read_challenge(v));
            break;
        case 'e':
            if (json_key_is(key, "epoch\"")) return named("epoch", read_hex(v, out.mark.epoch));
            if (json_key_is(key, "error\"")) return named("error", read_error(v));
            break;
        case 'h':
            if (json_key_is(key, "hash\"")) {
                std::uint64_t hash = 0;
                reading const state = read_hex(v, hash);
                if (state == reading::got) out.hash = hash;
                return named("hash", state);
            }
            if (json_key_is(key, "heartbeat_interval\"")) {
                std::uint64_t seconds = out.heartbeat_interval_s;
                reading const state = read_number(v, std::numeric_limits<std::uint64_t>::max(), seconds);
                out.heartbeat_interval_s = static_cast<std::uint32_t>(seconds < 1      ? 1
                                                                      : seconds > 3600 ? 3600
                                                                                       : seconds);
                return named("heartbeat_interval", state);
            }
            break;
        case 'l':
            if (json_key_is(key, "lease\"")) return named("lease", read_hex(v, byte_span{out.lease.bytes}));
            break;
        case 'm':
            if (json_key_is(key, "more\"")) return named("more", discovery::read_json(v, out.more));
            break;
        case 'n':
            if (json_key_is(key, "nodes\"")) return named("nodes", read_rows(v));
            if (json_key_is(key, "node_id\"")) return named("node_id", read_hex(v, byte_span{out.id.bytes}));
            if (json_key_is(key, "next\"")) return named("next", read_text(v, 2 * node_id::size, out.next));
            break;
        case 'p':
            if (json_key_is(key, "peers\"")) return named("peers", read_rows(v));
            break;
        case 'r':
            if (json_key_is(key, "removed\"")) return named("removed", read_removals(v));
            break;
        case 's':
            if (json_key_is(key, "status\"")) return named("status", read_text(v, 31, out.status));
            if (json_key_is(key, "since\"")) return named("since", read_number(v, out.since));
            if (json_key_is(key, "stale\"")) return named("stale", discovery::read_json(v, out.mark.stale));
            if (json_key_is(key, "self_preservation\"")) {
                return named("self_preservation", discovery::read_json(v, out.mark.self_preservation));
            }
            break;
        case 't':
            if (json_key_is(key, "to\"")) return named("to", read_number(v, out.to));
            break;
        case 'u':
            if (json_key_is(key, "usual\"")) return named("usual", read_usual(v));
            break;
        case 'v':
            if (json_key_is(key, "version\"")) return named("version", read_number(v, out.mark.version));
            break;
        default: break;
        }
        return discovery::skip_json(v, 1, max_depth);
    }

    reading read_challenge(value& v) {
        std::string_view text;
        reading const state = discovery::read_raw_json(v, text);
        if (state != reading::got) return state;
        if (text.size() > 2 * crypto::largest_challenge) return reading::wrong;
        out_->challenge.resize(text.size() / 2);
        return from_hex(text, out_->challenge) ? state : reading::wrong;
    }
    reading read_error(value& v) {
        object inner;
        if (reading const state = discovery::read_json(v, inner); state != reading::got) return state;
        error_answer& said = out_->error.emplace();
        for (auto item : inner) {
            if (item.error()) return reading::broken;
            field&& f = std::move(item).value_unsafe();
            char const* const key = f.key().raw();
            reading const state = discovery::json_key_is(key, "code\"")      ? read_text(f.value(), 63, said.code)
                                  : discovery::json_key_is(key, "message\"") ? read_text(f.value(), 511, said.message)
                                  : discovery::json_key_is(key, "field\"")   ? read_text(f.value(), 63, said.field)
                                  : discovery::json_key_is(key, "retry_after\"")
                                      ? read_wait(f.value(), said.retry_after_s)
                                      : skip_known(f.value(), 2);
            if (state >= reading::wrong) return state;
        }
        return reading::got;
    }
    reading read_wait(value& v, std::uint32_t& into) noexcept {
        std::uint64_t seconds = 0;
        reading const state = read_number(v, std::numeric_limits<std::uint64_t>::max(), seconds);
        into = static_cast<std::uint32_t>(std::min<std::uint64_t>(seconds, 86'400));
        return state;
    }
    [[nodiscard]] static reading skip_known(value& v, std::size_t depth) noexcept {
        return discovery::skip_json(v, depth, max_depth);
    }

    // ---- Rows --------------------------------------------------------------------------------------------------

    /// Calls `read(object, element)` for each object of a list; what is no object is malformed.
    template <typename Read>
    reading each_object(value& v, Read read) {
        array list;
        if (reading const state = discovery::read_json(v, list); state != reading::got) return state;
        for (auto item : list) {
            if (item.error()) return reading::broken;
            value&& element = std::move(item).value_unsafe();
            char const* const at = element.raw_json_token().data();
            object inner;
            wrong_.reset();
            reading const state = discovery::read_json(element, inner);
            if (state == reading::broken) return state;
            if (state != reading::got) {
                wrong(at, "row");
            } else if (!read(inner, at)) {
                return reading::broken;
            }
            if (wrong_) {
                ++out_->malformed;
                if (!out_->first_malformed) out_->first_malformed = wrong_;
            }
        }
        return reading::got;
    }
    void wrong(char const* at, char const* name) noexcept {
        if (!wrong_) wrong_ = error{registry_error::malformed, offset(at), name};
    }

    reading read_rows(value& v) {
        return each_object(v, [this](object& fields, char const* at) {
            // Filled in its place: a copy of what was just written in parts goes the slow way.
            node_view& row = out_->nodes.emplace_back();
            row.last_heartbeat_ms = -1;
            for (auto item : fields) {
                if (item.error()) return false;
                field&& f = std::move(item).value_unsafe();
                char const* const key = f.key().raw();
                char const* name = "";
                reading const state = read_row_field(key, f.value(), row, name);
                if (state == reading::broken) return false;
                if (state == reading::wrong) wrong(key, name);
            }
            check_identity(row, at);
            if (row.last_heartbeat_ms < 0) row.last_heartbeat_ms = row.first_seen_ms;
            if (!wrong_ && out_->nodes.size() > max_rows_) wrong(at, "rows");
            if (wrong_) out_->nodes.pop_back();
            return true;
        });
    }
    /// The record says who it is about; where a row says it too, they must agree.
    void check_identity(node_view& row, char const* at) noexcept {
        bool const has_id = !equal(row.id.bytes, node_id{}.bytes); // all zero is nobody
        if (!wire::record_view::peek(row.record)) {
            if (!row.record.empty()) wrong(at, "record");
            if (!has_id) wrong(at, "id");
            return;
        }
        node_id const said = wire::record_view::trusted(row.record).id();
        if (has_id && !equal(row.id.bytes, said.bytes)) wrong(at, "id");
        row.id = said;
    }

    /// Sets `name` to that of the field, as text that outlives the document.
    simdjson_inline reading read_row_field(char const* key, value& v, node_view& row, char const*& name) {
        using discovery::json_key_is;
        auto const named = [&name](char const* known, reading state) {
            name = known;
            return state;
        };
        switch (key[0]) {
        case 'a':
            if (json_key_is(key, "address\"")) return named("address", read_text(v, max_domain, row.address));
            break;
        case 'd':
            if (json_key_is(key, "domain\"")) return named("domain", read_text(v, max_domain, row.domain));
            break;
        case 'f':
            if (json_key_is(key, "first_seen\"")) return named("first_seen", read_number(v, row.first_seen_ms));
            if (json_key_is(key, "found_by\"")) return named("found_by", read_text(v, max_found_by, row.found_by));
            break;
        case 'i':
            if (json_key_is(key, "id\"")) return named("id", read_hex(v, byte_span{row.id.bytes}));
            break;
        case 'l':
            if (json_key_is(key, "last_heartbeat\"")) {
                return named("last_heartbeat", read_number(v, row.last_heartbeat_ms));
            }
            if (json_key_is(key, "lease\"")) return named("lease", read_hex(v, byte_span{row.lease.bytes}));
            break;
        case 'n':
            if (json_key_is(key, "name\"")) return named("name", read_text(v, limits::name, row.name));
            break;
        case 'p':
            if (json_key_is(key, "port\"")) return named("port", read_number(v, row.port));
            break;
        case 'r':
            if (json_key_is(key, "record\"")) return named("record", read_record(v, row.record));
            if (json_key_is(key, "registry\"")) {
                return named("registry", read_text(v, max_registry_text, row.registry));
            }
            if (json_key_is(key, "reputation\"")) return named("reputation", read_small(v, 100, row.reputation));
            break;
        case 's':
            if (json_key_is(key, "status\"")) return named("status", read_status(v, row.status));
            if (json_key_is(key, "standing\"")) {
                return named("standing", read_small(v, node_row::best_standing, row.standing));
            }
            break;
        case 'u':
            if (json_key_is(key, "uptime_s\"")) return named("uptime_s", read_seconds(v, row.uptime_ms));
            if (json_key_is(key, "uptime_ms\"")) return named("uptime_ms", read_number(v, row.uptime_ms));
            break;
        case 'v':
            if (json_key_is(key, "version\"")) return named("version", read_number(v, row.version));
            break;
        default: break;
        }
        return skip_known(v, 3);
    }
    template <typename T>
    reading read_small(value& v, std::uint64_t most, T& into) noexcept {
        std::uint64_t read = into;
        reading const state = read_number(v, most, read);
        into = static_cast<T>(read);
        return state;
    }
    reading read_seconds(value& v, std::int64_t& into_ms) noexcept {
        std::uint64_t seconds = 0;
        reading const state = read_number(v, std::numeric_limits<std::int64_t>::max() / 1000, seconds);
        if (state == reading::got) into_ms = static_cast<std::int64_t>(seconds * 1000);
        return state;
    }
    static reading read_status(value& v, node_status& into) noexcept {
        std::string_view text;
        reading const state = discovery::read_raw_json(v, text);
        if (state != reading::got) return state;
        auto const status = parse_status(text);
        if (!status) return reading::wrong;
        into = *status;
        return state;
    }

    /// What rows have that say nothing else; it may come before them or after.
    reading read_usual(value& v) {
        object inner;
        if (reading const state = discovery::read_json(v, inner); state != reading::got) return state;
        for (auto item : inner) {
            if (item.error()) return reading::broken;
            field&& f = std::move(item).value_unsafe();
            char const* const key = f.key().raw();
            char const* name = "";
            reading const state = read_row_field(key, f.value(), usual_, name);
            if (state >= reading::wrong) return state;
        }
        has_usual_ = true;
        return reading::got;
    }
    void fill_in_usual() noexcept {
        // What was not said has no place in the document either.
        auto const fill = [](std::string_view& text, std::string_view usual) {
            if (text.data() == nullptr) text = usual;
        };
        for (node_view& row : out_->nodes) {
            fill(row.domain, usual_.domain);
            fill(row.registry, usual_.registry);
            fill(row.found_by, usual_.found_by);
        }
    }

    reading read_removals(value& v) {
        return each_object(v, [this](object& fields, char const* at) {
            using discovery::json_key_is;
            tombstone gone;
            for (auto item : fields) {
                if (item.error()) return false;
                field&& f = std::move(item).value_unsafe();
                char const* const key = f.key().raw();
                char const* name = "";
                auto const named = [&name](char const* known, reading state) {
                    name = known;
                    return state;
                };
                value& inner = f.value();
                reading const state =
                    json_key_is(key, "id\"")            ? named("id", read_hex(inner, byte_span{gone.id.bytes}))
                    : json_key_is(key, "domain\"")      ? named("domain", read_text(inner, max_domain, gone.domain))
                    : json_key_is(key, "name\"")        ? named("name", read_text(inner, limits::name, gone.name))
                    : json_key_is(key, "incarnation\"") ? named("incarnation", read_number(inner, gone.incarnation))
                    : json_key_is(key, "version\"")     ? named("version", read_number(inner, gone.version))
                    : json_key_is(key, "removed_at\"")  ? named("removed_at", read_number(inner, gone.removed_ms))
                                                        : skip_known(inner, 3);
                if (state == reading::broken) return false;
                if (state == reading::wrong) wrong(key, name);
            }
            if (!gone.id) wrong(at, "id");
            if (!wrong_ && out_->removed.size() >= max_rows_) wrong(at, "rows");
            if (!wrong_) out_->removed.push_back(std::move(gone));
            return true;
        });
    }

    std::size_t max_body_;
    std::size_t max_rows_;
    simdjson::ondemand::parser parser_{};
    std::string copy_{};
    std::vector<std::byte> bytes_{}; ///< records
    std::size_t bytes_used_ = 0;
    std::string_view text_{};
    answer* out_ = nullptr;
    node_view usual_{};
    bool has_usual_ = false;
    std::optional<error> fault_{};   ///< of the document
    std::optional<error> refused_{}; ///< of a field outside rows
    std::optional<error> wrong_{};   ///< of the row being read
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
