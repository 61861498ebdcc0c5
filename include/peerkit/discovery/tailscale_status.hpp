// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Parser of `tailscale status --json` and LocalAPI status documents.
#ifndef PEERKIT_DISCOVERY_TAILSCALE_STATUS_HPP
#define PEERKIT_DISCOVERY_TAILSCALE_STATUS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/json_fault.hpp>
#include <peerkit/discovery/json_values.hpp>
#include <peerkit/discovery/tailscale_selection.hpp>
#include <peerkit/discovery/tailscale_types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Reads status documents of Tailscale and headscale, of any version since 0.97.
///
/// Every key is optional, every array and object may be null, unknown keys and states are accepted, of a repeated key
/// the last one counts, and keys may come in any order. A peer with a field of the wrong JSON type is left out and
/// counted; a document that is not JSON, is UTF-16, too large, too deep, or followed by other text is an error that
/// says where. What is not needed (fields no candidate is made of, all of a peer whose name does not match) is checked
/// for strings, UTF-8 and the number of brackets, not for grammar. Addresses that cannot belong to another machine are
/// not taken.
///
/// The parser keeps its buffers: reuse one object. Not thread-safe.
///
/// @code
/// discovery::tailscale_status_parser parser;
/// discovery::tailscale_status status;
/// discovery::tailscale_filter filter{.names = *discovery::name_pattern::parse("tw_node*")};
/// if (auto done = parser.parse(document, filter, status); !done) return fail(done.error());
/// if (status.ready()) use(status.candidates);
/// @endcode
class tailscale_status_parser {
public:
    /// Parses text from anywhere; copies it once, since simdjson reads beyond the end.
    /// @par Errors `too_large`, `empty_document`, `utf16_document`, `invalid_utf8`, `not_json`, `not_an_object`,
    /// `trailing_bytes`, `too_deep`, and `wrong_type` for a field outside the peers. After an error `out` is empty.
    [[nodiscard]] result<void> parse(std::string_view document, tailscale_filter const& filter, tailscale_status& out) {
        out.clear();
        if (document.size() > filter.max_document) return fail(discovery_error::too_large, document.size(), "document");
        copy_.reserve(document.size() + simdjson::SIMDJSON_PADDING);
        copy_.assign(document);
        return parse_padded(simdjson::padded_string_view{copy_.data(), copy_.size(), copy_.capacity()}, filter, out);
    }

    /// The same for text followed by at least `SIMDJSON_PADDING` readable bytes, without a copy.
    [[nodiscard]] result<void> parse_padded(simdjson::padded_string_view document, tailscale_filter const& filter,
                                            tailscale_status& out) {
        out.clear();
        if (document.size() > filter.max_document) return fail(discovery_error::too_large, document.size(), "document");
        std::string_view const text{document.data(), document.size()};
        if (looks_like_utf16(text)) return fail(discovery_error::utf16_document);
        std::size_t const mark = byte_order_mark(text);
        text_ = text.substr(mark);
        filter_ = &filter;
        out_ = &out;
        fault_.reset();
        read_document(simdjson::padded_string_view{text_.data(), text_.size(), document.capacity() - mark});
        if (fault_) {
            out.clear();
            return fail(fault_->at(fault_->position() + mark, fault_->field().data()));
        }
        selection_.finish();
        return {};
    }

private:
    using object = simdjson::ondemand::object;
    using array = simdjson::ondemand::array;
    using value = simdjson::ondemand::value;
    using json = simdjson::ondemand::document;
    using field = simdjson::ondemand::field;
    using reading = json_reading;

    [[nodiscard]] reading skip(value& v, std::size_t depth) const noexcept {
        return skip_json(v, depth, filter_->max_depth);
    }

    // ---- Errors ------------------------------------------------------------------------------------------------

    [[nodiscard]] std::size_t offset(char const* at) const noexcept {
        return at >= text_.data() && at <= text_.data() + text_.size() ? static_cast<std::size_t>(at - text_.data())
                                                                       : 0;
    }
    void give_up(simdjson::error_code code, json* doc = nullptr) {
        if (code == simdjson::CAPACITY || code == simdjson::MEMALLOC) {
            fault_ = error{discovery_error::too_large, text_.size(), "memory"};
        } else if (fault_ = find_json_fault(text_, filter_->max_depth); !fault_) {
            char const* here = text_.data();
            if (doc != nullptr && doc->current_location().get(here)) here = text_.data() + text_.size();
            fault_ = error{discovery_error::not_json, offset(here)};
        }
    }
    /// False if the document is given up.
    [[nodiscard]] bool accept(reading state, field& f, json& doc) {
        if (state <= reading::absent) return true;
        if (state == reading::wrong) {
            // Inside an object the field is known already.
            if (!fault_) fault_ = error{discovery_error::wrong_type, offset(f.key().raw()), name_of(f.key().raw())};
        } else {
            give_up(simdjson::TAPE_ERROR, &doc);
        }
        return false;
    }
    /// The name of a field as text that outlives the document.
    [[nodiscard]] static char const* name_of(char const* key) noexcept {
        for (char const* name :
             {"Version",    "TUN",      "BackendState", "Self",       "MagicDNSSuffix",  "CurrentTailnet", "Peer",
              "ID",         "HostName", "DNSName",      "OS",         "AltSharerUserID", "TailscaleIPs",   "TailAddr",
              "AllowedIPs", "Tags",     "Online",       "ShareeNode", "Expired",         "KeyExpiry"}) {
            std::size_t const size = std::strlen(name);
            if (std::memcmp(key, name, size) == 0 && key[size] == '"') return name;
        }
        return "peer";
    }

    // ---- The document ------------------------------------------------------------------------------------------

    void read_document(simdjson::padded_string_view padded) {
        // A little more than needed: a tailnet that grows does not cost an allocation for each document.
        if (parser_.capacity() < padded.size()) {
            if (auto const code = parser_.allocate(padded.size() + padded.size() / 4)) return give_up(code);
        }
        std::size_t const last = text_.find_last_not_of(" \t\r\n");
        if (last == std::string_view::npos || text_[last] != '}') return give_up(simdjson::INCOMPLETE_ARRAY_OR_OBJECT);
        json doc;
        object top;
        if (auto const code = parser_.iterate(padded).get(doc)) return give_up(code);
        if (auto const code = doc.get_object().get(top)) return give_up(code);
        selection_.start(*filter_, *out_);

        // Telling machines of other tailnets apart needs Self, which comes first unless something sorted the keys.
        bool put_off = false;
        for (auto item : top) {
            if (item.error()) return give_up(item.error(), &doc);
            field&& f = std::move(item).value_unsafe();
            reading state = reading::got;
            if (!json_key_is(f.key().raw(), "Peer\"")) {
                state = read_top_field(f.key().raw(), f.value());
            } else if (out_->self) {
                state = read_peers(f.value());
            } else {
                put_off = true;
            }
            if (!accept(state, f, doc)) return;
        }
        if (doc.current_location().error() != simdjson::OUT_OF_BOUNDS) return give_up(simdjson::TAPE_ERROR, &doc);
        if (!put_off) return;

        doc.rewind();
        if (auto const code = doc.get_object().get(top)) return give_up(code);
        for (auto item : top) {
            if (item.error()) return give_up(item.error(), &doc);
            field&& f = std::move(item).value_unsafe();
            if (json_key_is(f.key().raw(), "Peer\"") && !accept(read_peers(f.value()), f, doc)) return;
        }
    }

    reading read_top_field(char const* key, value& v) {
        std::string_view text;
        if (json_key_is(key, "Self\"")) return read_self(v);
        if (json_key_is(key, "CurrentTailnet\"")) return read_tailnet(v);
        if (json_key_is(key, "MagicDNSSuffix\"")) {
            reading const state = read_json(v, text);
            keep_suffix(text);
            return state;
        }
        if (json_key_is(key, "BackendState\"")) {
            reading const state = read_json(v, text);
            out_->state_text = text;
            out_->state = parse_backend_state(text);
            return state;
        }
        if (json_key_is(key, "Version\"")) {
            reading const state = read_json(v, text);
            out_->version = text;
            return state;
        }
        if (json_key_is(key, "TUN\"")) {
            bool tun = false;
            reading const state = read_json(v, tun);
            out_->tun = state == reading::got ? std::optional{tun} : std::nullopt;
            return state;
        }
        return skip(v, 1);
    }

    reading read_tailnet(value& v) {
        object tailnet;
        if (reading const state = read_json(v, tailnet); state != reading::got) return state;
        for (auto item : tailnet) {
            if (item.error()) return reading::broken;
            field&& f = std::move(item).value_unsafe();
            if (!json_key_is(f.key().raw(), "MagicDNSSuffix\"")) {
                if (skip(f.value(), 2) == reading::broken) return reading::broken;
                continue;
            }
            std::string_view text;
            if (reading const state = read_json(f.value(), text); state >= reading::wrong) return state;
            keep_suffix(text);
        }
        return reading::got;
    }

    /// The suffix is said twice, and either may be missing or empty.
    void keep_suffix(std::string_view text) {
        if (text.starts_with('.')) text.remove_prefix(1);
        if (text.ends_with('.')) text.remove_suffix(1);
        if (!text.empty()) tailscale_selection::assign_lower(text, out_->dns_suffix);
    }

    reading read_self(value& v) {
        out_->self.reset();
        object node;
        if (reading const state = read_json(v, node); state != reading::got) return state;
        node_.clear();
        passed_over_ = false;
        if (!read_node(node, 2, [](std::string_view) { return true; }) || !read_host_name(node)) return reading::broken;
        if (node_.malformed) {
            fault_ = node_.malformed;
            return reading::wrong;
        }
        tailscale_selection::take_self(node_, out_->self.emplace());
        return reading::got;
    }

    reading read_peers(value& v) {
        selection_.start(*filter_, *out_);
        object peers;
        if (reading const state = read_json(v, peers); state != reading::got) return state;
        for (auto item : peers) {
            if (item.error()) return reading::broken;
            field&& f = std::move(item).value_unsafe();
            node_.clear();
            passed_over_ = false;
            object peer;
            reading const state = read_json(f.value(), peer);
            if (state == reading::wrong)
                node_.malformed = error{discovery_error::wrong_type, offset(f.key().raw()), "peer"};
            if (state == reading::broken) return state;
            if (state == reading::got) {
                if (!read_node(peer, 3, [this](std::string_view name) { return selection_.wants(name); }))
                    return reading::broken;
                if (node_.dns_name.empty() && !read_host_name(peer)) return reading::broken;
            }
            passed_over_ ? selection_.pass_over() : selection_.take_peer(node_);
        }
        return reading::got;
    }

    // ---- Nodes -------------------------------------------------------------------------------------------------

    /// Fills `node_` from a PeerStatus object. False: broken text. A peer whose name is not wanted is passed over: its
    /// other fields are not looked at.
    template <typename Wanted>
    [[nodiscard]] bool read_node(object& node, std::size_t depth, Wanted wanted) noexcept {
        auto at = node.begin();
        auto const end = node.end();
        for (; at != end; ++at) {
            auto item = *at;
            if (item.error()) return false;
            field&& f = std::move(item).value_unsafe();
            char const* const key = f.key().raw();
            if (!may_matter(key)) continue;
            reading const state = read_node_field(key, f.value(), depth);
            if (state == reading::broken) return false;
            note(state, key);
            if (key[0] == 'D' && !node_.dns_name.empty() && !wanted(node_.dns_name)) break;
        }
        if (at == end) return true;
        passed_over_ = true;
        while (++at != end) {
            if ((*at).error()) return false;
        }
        return true;
    }

    /// Goes back for the host name, which nearly nobody asks for: a node has a DNS name.
    [[nodiscard]] bool read_host_name(object& node) noexcept {
        bool more = false;
        if (node.reset().get(more)) return false;
        for (auto item : node) {
            if (item.error()) return false;
            field&& f = std::move(item).value_unsafe();
            char const* const key = f.key().raw();
            if (!json_key_is(key, "HostName\"")) continue;
            reading const state = read_json(f.value(), node_.host_name);
            if (state == reading::broken) return false;
            note(state, key);
        }
        return true;
    }
    void note(reading state, char const* key) noexcept {
        if (state == reading::wrong && !node_.malformed) {
            node_.malformed = error{discovery_error::wrong_type, offset(key), name_of(key)};
        }
    }

    /// True for every key `read_node_field` knows, and false for nearly every other: one bit of a word, found from the
    /// second and third characters. Most fields of a node are turned away here.
    [[nodiscard]] static simdjson_inline bool may_matter(char const* key) noexcept {
        constexpr auto bit = [](char const* name) {
            return std::uint64_t{1} << (10U * static_cast<unsigned char>(name[1]) +
                                        static_cast<unsigned char>(name[2])) %
                                           64U;
        };
        constexpr std::uint64_t known = bit("AllowedIPs") | bit("AltSharerUserID") | bit("CapMap") | bit("DNSName") |
                                        bit("Expired") | bit("ID\"") | bit("KeyExpiry") | bit("OS\"") | bit("Online") |
                                        bit("ShareeNode") | bit("Tags") | bit("TailscaleIPs") | bit("TailAddr");
        return (known & bit(key)) != 0;
    }

    /// In the order in which Go writes the fields; those that are rarely there last.
    [[nodiscard]] reading read_node_field(char const* key, value& v, std::size_t depth) noexcept {
        if (json_key_is(key, "ID\"")) return read_raw_json(v, node_.id);
        if (json_key_is(key, "DNSName\"")) {
            reading state = reading::got;
            std::string_view const name = json_text(v, state);
            node_.dns_name = name.substr(0, name.size() - (name.ends_with('.') ? 1U : 0U));
            return state;
        }
        if (json_key_is(key, "OS\"")) return read_raw_json(v, node_.os);
        if (json_key_is(key, "TailscaleIPs\"")) return read_addresses(v);
        if (json_key_is(key, "AllowedIPs\"")) return node_.addresses.empty() ? read_routes(v) : reading::got;
        if (json_key_is(key, "Online\"")) {
            reading const state = read_json(v, node_.online);
            node_.online_known = state == reading::got;
            return state;
        }
        if (json_key_is(key, "KeyExpiry\"")) return read_raw_json(v, node_.key_expiry);
        if (json_key_is(key, "Tags\"")) return read_tags(v);
        if (json_key_is(key, "AltSharerUserID\"")) return read_json(v, node_.sharer);
        if (json_key_is(key, "ShareeNode\"")) return read_json(v, node_.sharee);
        if (json_key_is(key, "Expired\"")) return read_json(v, node_.expired);
        if (json_key_is(key, "TailAddr\"")) return read_json(v, node_.old_address);
        return skip(v, depth);
    }

    [[nodiscard]] reading read_tags(value& v) noexcept {
        node_.tagged = node_.mullvad = false;
        return each_json_text(v, [this](std::string_view tag) {
            node_.tagged = node_.tagged || tag == filter_->required_tag;
            node_.mullvad = node_.mullvad || tag == "tag:mullvad-exit-node";
        });
    }

    [[nodiscard]] reading read_addresses(value& v) noexcept {
        node_.addresses.clear();
        if (read_plain_addresses(v.raw_json_token().data())) return reading::got;
        node_.addresses.clear();
        return each_json_text(v, [this](std::string_view text) { static_cast<void>(node_.addresses.push_back(text)); });
    }
    /// Reads a list of strings without escapes straight from the text, as these lists are the dearest part of a peer.
    /// False for anything else, which simdjson then judges. Ends inside the document: its strings are closed and its
    /// last character is a brace, or `read_document` would not have come here.
    [[nodiscard]] bool read_plain_addresses(char const* at) noexcept {
        auto const next = [&at] {
            do {
                ++at;
            } while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t');
            return *at;
        };
        if (*at != '[' || next() != '"') return false;
        for (;;) {
            char const* const start = ++at;
            while (*at != '"' && *at != '\\') ++at;
            if (*at == '\\') return false;
            static_cast<void>(node_.addresses.push_back({start, static_cast<std::size_t>(at - start)}));
            if (char const token = next(); token != ',') return token == ']';
            if (next() != '"') return false;
        }
    }

    /// Routes of single hosts: a node's own addresses where a control server has a prefix TailscaleIPs leaves out.
    [[nodiscard]] reading read_routes(value& v) noexcept {
        node_.host_routes.clear();
        return each_json_text(v, [this](std::string_view route) {
            if (route.ends_with("/32") || route.ends_with("/128"))
                static_cast<void>(node_.host_routes.push_back(route));
        });
    }

    simdjson::ondemand::parser parser_;
    tailscale_selection selection_;
    tailscale_node node_;      ///< being read
    bool passed_over_ = false; ///< its name is not wanted
    std::string copy_;
    std::string_view text_; ///< the document, without byte order mark
    tailscale_filter const* filter_ = nullptr;
    tailscale_status* out_ = nullptr;
    std::optional<error> fault_;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
