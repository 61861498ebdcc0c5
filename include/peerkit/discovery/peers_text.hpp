// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Peers as people and programs write them down: the one grammar of lists, files, variables and command output.
#ifndef PEERKIT_DISCOVERY_PEERS_TEXT_HPP
#define PEERKIT_DISCOVERY_PEERS_TEXT_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// One peer of a list: where it is, and what the list says of it.
struct peer_entry {
    endpoint there{};            ///< an address or a host name, always with a port
    std::vector<label> labels{}; ///< in the order written; keys are unique
    [[nodiscard]] friend bool operator==(peer_entry const&, peer_entry const&) = default;
};

/// An entry of a list that is not a peer.
struct refused_entry {
    std::size_t index;    ///< among all entries, from 0
    std::size_t offset;   ///< of the entry in the text
    std::string text;     ///< the entry, at most its first 128 bytes
    error why;            ///< position: offset inside the entry, or a length where it is too long
    std::size_t line = 1; ///< that the entry begins on, from 1
};

/// What a list may look like.
struct peers_text_options {
    std::uint16_t default_port = default_gossip_port; ///< for entries without a port; not 0
    std::size_t max_entries = 1024;                   ///< refused ones included
    std::size_t max_bytes = std::size_t{1} << 20U;    ///< of the whole text
};

/// A list of peers, taken apart.
struct parsed_peers {
    std::vector<peer_entry> entries;    ///< in the order written; the same peer may be there twice
    std::vector<refused_entry> refused; ///< in the order written
    [[nodiscard]] std::size_t size() const noexcept { return entries.size() + refused.size(); }
};

/// Longest entry, labels included, in bytes. Longer ones are refused.
inline constexpr std::size_t max_peer_entry = 4096;

namespace detail {

/// Reads a list of peers word by word. Linear in the text, whatever it holds.
class peers_reader {
public:
    peers_reader(std::string_view text, peers_text_options const& options) noexcept : text_{text}, options_{options} {}

    [[nodiscard]] result<parsed_peers> read() {
        if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
        while (at_ < text_.size()) {
            char const c = text_[at_];
            if (c == '\n' || c == ',') {
                close();
                if (c == '\n') ++line_;
                ++at_;
            } else if (is_blank(c)) {
                ++at_;
            } else if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else {
                read_word();
            }
        }
        close();
        if (count_ > options_.max_entries) return fail(discovery_error::too_large, count_, "entries");
        return std::move(made_);
    }

private:
    [[nodiscard]] static constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }
    [[nodiscard]] static constexpr bool ends_word(char c) noexcept { return is_blank(c) || c == ',' || c == '\n'; }

    /// A word with '=' is a label of the entry it follows; any other word begins an entry.
    void read_word() {
        std::size_t const begin = at_;
        while (at_ < text_.size() && !ends_word(text_[at_]) && text_[at_] != '=') ++at_;
        std::string_view const word = text_.substr(begin, at_ - begin);
        if (at_ == text_.size() || text_[at_] != '=') {
            close();
            open(begin);
            auto there = endpoint::parse(word, options_.default_port);
            if (!there) {
                why_ = there.error();
            } else if (!there->is_host_name() && !is_unicast(there->address())) {
                why_ = error{core_error::bad_address, 0, "not a unicast address"};
            } else {
                entry_.there = *there;
            }
            end_ = at_;
            return;
        }
        if (!open_) {
            open(begin);
            why_ = error{core_error::empty, 0, "peer in front of the label"};
        }
        ++at_;
        std::string value;
        auto read = read_value(value);
        end_ = at_;
        if (why_) return;
        if (auto const ok = check_name(word, limits::label_key, "label key"); !ok) {
            why_ = inside(ok.error(), begin);
        } else if (!read) {
            why_ = read.error();
        } else if (auto const fits = check_text(value, limits::label_value, "label value"); !fits) {
            why_ = inside(fits.error(), begin + word.size() + 1);
        } else if (std::any_of(entry_.labels.begin(), entry_.labels.end(),
                               [word](label const& l) { return l.key == word; })) {
            why_ = error{core_error::duplicate_key, begin - begin_, "label key"};
        } else if (entry_.labels.size() == limits::labels) {
            why_ = error{core_error::too_long, limits::labels + 1, "labels"};
        } else {
            entry_.labels.push_back({std::string{word}, std::move(value)});
        }
    }
    /// Goes to the end of the word in any case.
    [[nodiscard]] result<void> read_value(std::string& value) {
        bool const quoted = at_ < text_.size() && text_[at_] == '"';
        if (!quoted) {
            std::size_t const begin = at_;
            while (at_ < text_.size() && !ends_word(text_[at_])) ++at_;
            value = text_.substr(begin, at_ - begin);
            std::size_t const quote = value.find('"');
            if (quote == std::string::npos) return {};
            return fail(core_error::bad_character, begin + quote - begin_, "label value");
        }
        std::optional<error> wrong;
        std::size_t const begin = at_++;
        for (; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
            char c = text_[at_];
            if (c == '"') {
                ++at_;
                std::size_t const after = at_;
                while (at_ < text_.size() && !ends_word(text_[at_])) ++at_;
                if (at_ != after && !wrong) wrong = error{core_error::bad_character, after - begin_, "label value"};
                if (wrong) return fail(*wrong);
                return {};
            }
            if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
                c = text_[++at_];
                if (c != '"' && c != '\\' && !wrong)
                    wrong = error{core_error::bad_character, at_ - begin_, "label value"};
            }
            value.push_back(c);
        }
        return fail(core_error::bad_character, begin - begin_, "quote that is not closed");
    }
    /// The position of a check of one word, said of the entry.
    [[nodiscard]] error inside(error const& what, std::size_t begin) const noexcept {
        if (what == core_error::too_long) return what;
        return what.at(begin - begin_ + what.position(), what.field().data());
    }

    void open(std::size_t begin) {
        open_ = true;
        begin_ = begin;
        entry_ = {};
        why_.reset();
    }
    void close() {
        if (!open_) return;
        open_ = false;
        if (end_ - begin_ > max_peer_entry) why_ = error{core_error::too_long, end_ - begin_, "entry"};
        if (count_ < options_.max_entries) {
            if (!why_) {
                made_.entries.push_back(std::move(entry_));
            } else {
                made_.refused.push_back({count_, begin_,
                                         std::string{text_.substr(begin_, std::min<std::size_t>(end_ - begin_, 128))},
                                         *why_, line_});
            }
        }
        ++count_;
    }

    std::string_view text_;
    peers_text_options const& options_;
    parsed_peers made_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    std::size_t count_ = 0;
    bool open_ = false; // an entry has begun: begin_, end_, entry_ and why_ are about it
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    peer_entry entry_;
    std::optional<error> why_;
};

} // namespace detail

/// Takes a list of peers apart.
///
/// - An entry is `host`, `host:port`, an IPv4 or IPv6 address, `v4:port`, `[v6]` or `[v6]:port`, as `endpoint::parse`
///   has it.
/// - Entries are separated by commas, blanks and line ends; empty ones do not count.
/// - Words `key=value` behind an entry, with blanks between, are its labels, up to the next comma, line end or entry. A
///   value that holds a blank, a comma or a quote is written in double quotes, within which `\"` and `\\` stand for
///   themselves. Bounds are those of announced labels: `limits::labels`, `label_key`, `label_value`.
/// - A word that begins with '#' begins a comment, up to the end of the line.
/// - A byte-order mark of UTF-8 in front is skipped; carriage returns are blanks.
///
/// @code
/// auto list = discovery::parse_peers("db1.example.org:9100 zone=a role=db, 192.0.2.7 note=\"rack 3, left\"");
/// @endcode
///
/// A refused entry hides no other: each is reported with line, offset and reason.
/// @par Errors `too_large` with the size of the text ("text") or the number of entries ("entries"); `utf16_document`;
/// `bad_option` for a default port of 0.
[[nodiscard]] inline result<parsed_peers> parse_peers(std::string_view text, peers_text_options const& options = {}) {
    if (options.default_port == 0) return fail(discovery_error::bad_option, 0, "default port");
    if (text.size() > options.max_bytes) return fail(discovery_error::too_large, text.size(), "text");
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return fail(discovery_error::utf16_document);
    return detail::peers_reader{text, options}.read();
}

/// The entry as text that `parse_peers` reads back to the same.
[[nodiscard]] inline std::string to_string(peer_entry const& entry) {
    std::string text = entry.there.to_string();
    for (label const& l : entry.labels) {
        text.append(" ").append(l.key).append("=");
        if (l.value.find_first_of(" ,\"") == std::string::npos) {
            text += l.value;
            continue;
        }
        text += '"';
        for (char const c : l.value) {
            if (c == '"' || c == '\\') text += '\\';
            text += c;
        }
        text += '"';
    }
    return text;
}

/// "line 3: 'db:99999' (core: the port is not ..., at 3 (port))", for people.
[[nodiscard]] inline std::string to_string(refused_entry const& refused) {
    std::string text = "line " + std::to_string(refused.line) + ": '";
    for (char const c : refused.text) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return text.append("' (").append(refused.why.message()).append(")");
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
