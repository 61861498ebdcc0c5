// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Record bytes held once for all the tables of a process that hold the same record.
#ifndef PEERKIT_MEMBERSHIP_SHARED_RECORDS_HPP
#define PEERKIT_MEMBERSHIP_SHARED_RECORDS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// A set of byte strings with counted references. Many nodes in one process (a simulation, a host with several
/// networks' tests in it) hold the same announcements of each other; with one of these each announcement is in memory
/// once. Every string that was taken is given back before the set is destroyed. Not thread safe: all tables that share
/// one are used from one thread. Anybody who can choose record bytes can make lookups slow, so it is not for nodes that
/// talk to strangers.
///
/// @code
/// membership::shared_records records;                    // outlives the tables
/// membership::member_table one{4096, key, &records}, two{4096, other_key, &records};
/// @endcode
class shared_records {
public:
    shared_records() = default;
    shared_records(shared_records const&) = delete;
    shared_records& operator=(shared_records const&) = delete;

    /// The one copy of `bytes`, which stays where it is until it was given back as often as it was taken.
    [[nodiscard]] std::byte const* take(byte_view bytes) {
        if ((size_ + 1) * 2 > index_.size()) grow();
        std::uint64_t const hash = hash_of(bytes);
        std::size_t at = static_cast<std::size_t>(hash) & mask();
        for (; index_[at].kept; at = (at + 1) & mask()) {
            head const h = head_of(index_[at].kept.get());
            if (index_[at].hash != hash || h.size != bytes.size()) continue;
            if (!equal(bytes, {index_[at].kept.get() + sizeof(head), h.size})) continue;
            put_head(index_[at].kept.get(), {h.references + 1, h.size});
            return index_[at].kept.get() + sizeof(head);
        }
        index_[at] = {hash, std::unique_ptr<std::byte[]>{new std::byte[sizeof(head) + bytes.size()]}};
        put_head(index_[at].kept.get(), {1, static_cast<std::uint32_t>(bytes.size())});
        copy_bytes(bytes, {index_[at].kept.get() + sizeof(head), bytes.size()});
        ++size_;
        return index_[at].kept.get() + sizeof(head);
    }
    /// `taken` is what `take` returned.
    void give_back(std::byte const* taken) noexcept {
        head const h = head_of(taken - sizeof(head));
        std::size_t at = static_cast<std::size_t>(hash_of({taken, h.size})) & mask();
        while (index_[at].kept.get() + sizeof(head) != taken) at = (at + 1) & mask();
        if (h.references > 1) return put_head(index_[at].kept.get(), {h.references - 1, h.size});
        --size_;
        // Backward shift: lookups stay short however often records change.
        for (std::size_t next = (at + 1) & mask(); index_[next].kept; next = (next + 1) & mask()) {
            std::size_t const wanted = static_cast<std::size_t>(index_[next].hash) & mask();
            if (((next - wanted) & mask()) < ((next - at) & mask())) continue;
            index_[at] = std::move(index_[next]);
            at = next;
        }
        index_[at].kept.reset();
    }

    /// Different strings held.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    struct head {
        std::uint32_t references;
        std::uint32_t size;
    };
    struct entry {
        std::uint64_t hash = 0;
        std::unique_ptr<std::byte[]> kept; // the head, then the bytes
    };

    [[nodiscard]] static head head_of(std::byte const* at) noexcept {
        head h{};
        std::memcpy(&h, at, sizeof h);
        return h;
    }
    static void put_head(std::byte* at, head h) noexcept { std::memcpy(at, &h, sizeof h); }
    // The end of a record is a signature: as good as random, and different for different records.
    [[nodiscard]] static std::uint64_t hash_of(byte_view bytes) noexcept {
        std::uint64_t word = bytes.size();
        for (std::size_t i = bytes.size() < 16 ? 0 : bytes.size() - 16; i < bytes.size(); ++i) {
            word = (word ^ std::to_integer<std::uint64_t>(bytes[i])) * 0x9e3779b97f4a7c15ULL;
            word ^= word >> 29U;
        }
        return word;
    }
    [[nodiscard]] std::size_t mask() const noexcept { return index_.size() - 1; }
    void grow() {
        std::vector<entry> before(index_.empty() ? 64 : index_.size() * 2);
        before.swap(index_);
        for (entry& e : before) {
            if (!e.kept) continue;
            std::size_t at = static_cast<std::size_t>(e.hash) & mask();
            while (index_[at].kept) at = (at + 1) & mask();
            index_[at] = std::move(e);
        }
    }

    std::vector<entry> index_;
    std::size_t size_ = 0;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
