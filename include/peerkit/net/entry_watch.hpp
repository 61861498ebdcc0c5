// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Entries for hosts: copies, and handlers by the beginning of the key that are told of changes.
#ifndef PEERKIT_NET_ENTRY_WATCH_HPP
#define PEERKIT_NET_ENTRY_WATCH_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// One changed entry. The views are valid during the call.
struct entry_change {
    node_id owner{};
    std::string_view key;
    byte_view value; ///< empty if it was erased
    std::uint64_t version = 0;
    bool erased = false;

    [[nodiscard]] std::string_view text() const noexcept { return as_text(value); }
};

/// One entry of a member's map, copied.
struct entry_info {
    node_id owner{};
    std::string key;
    std::vector<std::byte> value;
    std::uint64_t version = 0;

    [[nodiscard]] std::string_view text() const noexcept { return as_text(value); }
};

using entry_handler = std::function<void(entry_change const&)>;

/// Handlers by prefix, told in the order in which they were set. A handler may set and take away handlers, itself
/// included; what it changes counts from the next change of an entry on. Not thread safe.
class entry_watch {
public:
    /// Handles the keys that begin with `prefix`, in place of the handler before; an empty handler takes that away.
    void set(std::string_view prefix, entry_handler handler) {
        auto const held = std::find_if(all_.begin(), all_.end(), [&](auto const& w) { return w->prefix == prefix; });
        if (held != all_.end()) all_.erase(held);
        if (handler) all_.push_back(std::make_shared<watcher>(watcher{std::string{prefix}, std::move(handler)}));
    }
    void clear() noexcept { all_.clear(); }
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }

    void tell(entry_change const& what) const {
        auto const now = all_;
        for (auto const& w : now) {
            if (what.key.starts_with(w->prefix)) w->handler(what);
        }
    }

private:
    struct watcher {
        std::string prefix;
        entry_handler handler;
    };
    std::vector<std::shared_ptr<watcher>> all_;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
