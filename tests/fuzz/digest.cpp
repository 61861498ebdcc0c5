// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the bodies of sums, listing and pull: what is accepted is written again as the same bytes.
#include <peerkit/wire/digest.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace peerkit;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

template <typename View>
bool accepted(result<View> const& view, std::size_t size) {
    if (view) return true;
    require(view.error().domain() == "wire");
    require(view.error().position() <= size);
    require(!view.error().field().empty());
    return false;
}

} // namespace

/// The first byte says which of the three the rest is.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    byte_view const body{reinterpret_cast<std::byte const*>(data) + 1, size - 1};
    std::vector<std::byte> again(body.size());
    switch (data[0] % 3) {
    case 0: {
        auto const view = wire::sums_view::parse(body);
        if (!accepted(view, body.size())) return 0;
        wire::sums_writer out{again, view->bits(), view->span()};
        std::vector<std::uint32_t> sums(view->parts());
        for (std::size_t i = 0; i < view->size(); ++i) {
            for (std::size_t j = 0; j < sums.size(); ++j) sums[j] = view->sum(i, j);
            require(out.add(view->range(i), sums));
        }
        require(out.size() == body.size() && equal(again, body));
        return 0;
    }
    case 1: {
        auto const view = wire::listing_view::parse(body);
        if (!accepted(view, body.size())) return 0;
        wire::listing_writer out{again, view->bits()};
        std::size_t groups = 0;
        bool cut = false;
        view->for_each([&](wire::listing_view::group const& g) {
            ++groups;
            std::array<wire::listed, wire::listing_view::most> entries{};
            for (std::size_t i = 0; i < g.size(); ++i) entries[i] = g[i];
            cut = cut || !g.whole();
            require(out.add(g.range(), std::span{entries}.first(g.size())));
        });
        require(groups == view->size());
        // The mark of a range that was cut is only written for one that is.
        require(out.size() == body.size() && (cut || equal(again, body)));
        return 0;
    }
    default: {
        auto const view = wire::pull_view::parse(body);
        if (!accepted(view, body.size())) return 0;
        require(view->size() * wire::pull_view::entry_size == body.size());
        for (std::size_t i = 0; i < view->size(); ++i) require((*view)[i].known < limits::incarnation);
    }
    }
    return 0;
}
