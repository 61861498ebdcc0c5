// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The writes a replica keeps for the root, in order, and the form in which they are stored.
#ifndef PEERKIT_REGISTRY_WRITE_QUEUE_HPP
#define PEERKIT_REGISTRY_WRITE_QUEUE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/request.hpp>
#include <peerkit/wire/record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// One write for the root: checked here, not yet answered by it.
struct queued_write {
    std::uint64_t number = 0; ///< ascending in a queue
    std::variant<registration, deregistration> what{};

    [[nodiscard]] node_id id() const noexcept {
        if (auto const* const gone = std::get_if<deregistration>(&what)) return gone->id;
        return wire::record_view::trusted(std::get<registration>(what).record).id();
    }
    [[nodiscard]] lease_id lease() const noexcept {
        return std::visit([](auto const& w) { return w.lease; }, what);
    }

    /// The bytes that are stored. What was only needed to check the write is left out.
    [[nodiscard]] std::vector<std::byte> encode() const {
        std::vector<std::byte> bytes(8 + node_id::size + 16 + limits::record + max_domain + max_registry_text +
                                     max_found_by);
        byte_writer to{bytes};
        if (auto const* const gone = std::get_if<deregistration>(&what)) {
            to.u8(deregister_tag);
            to.bytes(gone->lease.bytes);
            to.bytes(gone->id.bytes);
        } else {
            auto const& r = std::get<registration>(what);
            to.u8(register_tag);
            to.bytes(r.lease.bytes);
            to.u16(static_cast<std::uint16_t>(r.record.size()));
            to.bytes(r.record);
            to.short_bytes(as_bytes(r.domain));
            to.u16(static_cast<std::uint16_t>(r.registry.size()));
            to.bytes(as_bytes(r.registry));
            to.short_bytes(as_bytes(r.found_by));
        }
        bytes.resize(to.position());
        return bytes;
    }
    /// @par Errors `malformed` for bytes that `encode` did not write; position: an offset.
    [[nodiscard]] static result<queued_write> decode(std::uint64_t number, byte_view bytes) {
        byte_reader from{bytes};
        queued_write made{number, {}};
        std::uint8_t const tag = from.u8();
        lease_id lease;
        copy_bytes(or_zero(from.bytes(lease.bytes.size()), lease.bytes.size()), lease.bytes);
        if (tag == deregister_tag) {
            made.what = deregistration{node_id::from_bytes(from.bytes(node_id::size)), lease};
        } else if (tag == register_tag) {
            registration r;
            r.lease = lease;
            byte_view const record = from.bytes(from.u16());
            r.record.assign(record.begin(), record.end());
            r.domain = as_text(from.short_bytes());
            r.registry = as_text(from.bytes(from.u16()));
            r.found_by = as_text(from.short_bytes());
            if (auto const ok = wire::record_view::parse(r.record); !ok) {
                return fail(registry_error::malformed, from.position(), "record");
            }
            if (r.registry.size() > max_registry_text || r.found_by.size() > max_found_by) {
                return fail(registry_error::malformed, from.position(), "queued write");
            }
            made.what = std::move(r);
        } else {
            return fail(registry_error::malformed, 0, "kind of write");
        }
        if (!from || from.remaining() != 0) return fail(registry_error::malformed, from.position(), "queued write");
        return made;
    }

private:
    static constexpr std::uint8_t register_tag = 1, deregister_tag = 2;

    [[nodiscard]] static byte_view or_zero(byte_view read, std::size_t size) noexcept {
        static constexpr std::array<std::byte, 16> zero{};
        return read.size() == size ? read : byte_view{zero}.first(size);
    }
};

/// First in, first out, with a cap. Numbers go on over restarts.
class write_queue {
public:
    explicit write_queue(std::size_t cap) noexcept : cap_{cap} {}

    [[nodiscard]] bool empty() const noexcept { return writes_.empty(); }
    [[nodiscard]] bool full() const noexcept { return writes_.size() >= cap_; }
    [[nodiscard]] std::size_t size() const noexcept { return writes_.size(); }
    [[nodiscard]] queued_write const& front() const noexcept { return writes_.front(); }

    /// Null if it is full.
    queued_write const* push(std::variant<registration, deregistration> what) {
        if (full()) return nullptr;
        writes_.push_back({next_++, std::move(what)});
        return &writes_.back();
    }
    /// From an earlier life; those that are more than the cap are kept, too: they were acknowledged.
    void restore(queued_write write) {
        next_ = write.number + 1;
        writes_.push_back(std::move(write));
    }
    void pop() { writes_.pop_front(); }

    /// The last write of that node, or null.
    [[nodiscard]] queued_write const* last_of(node_id const& id) const noexcept {
        for (auto at = writes_.rbegin(); at != writes_.rend(); ++at) {
            if (at->id() == id) return &*at;
        }
        return nullptr;
    }
    template <typename F>
    void for_each(F&& f) const {
        for (auto const& write : writes_) f(write);
    }
    /// The root gave the node another lease than was written down for it: what is queued for it is told. Calls
    /// `f(write)` for each that has changed.
    template <typename F>
    void exchange_lease(node_id const& id, lease_id const& old, lease_id const& present, F&& f) {
        for (auto& write : writes_) {
            auto* const gone = std::get_if<deregistration>(&write.what);
            if (gone == nullptr || gone->id != id || gone->lease != old) continue;
            gone->lease = present;
            f(write);
        }
    }

private:
    std::size_t cap_;
    std::deque<queued_write> writes_;
    std::uint64_t next_ = 1;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
