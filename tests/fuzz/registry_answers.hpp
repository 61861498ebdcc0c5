// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the fuzz targets of registry protocols share: any replies in any order, and what must hold of their meaning.
#ifndef PEERKIT_TESTS_FUZZ_REGISTRY_ANSWERS_HPP
#define PEERKIT_TESTS_FUZZ_REGISTRY_ANSWERS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/registry/protocol.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fuzz_registry {

inline void require(bool holds) {
    if (!holds) __builtin_trap();
}

inline std::vector<std::byte> own_record() {
    using namespace peerkit;
    description d{.name = "node1"};
    d.addresses = {{ip_address::v4(192, 0, 2, 1), 0, address_kind::global}};
    std::vector<std::byte> bytes(limits::record);
    auto const made = crypto::sign_record(crypto::fake_identity{1}, network_id{}, d, 7, false, bytes);
    bytes.resize(made->bytes().size());
    return bytes;
}

inline void check(std::vector<peerkit::discovery::candidate> const& found) {
    for (auto const& one : found) {
        require(!one.addresses.empty());
        for (auto const& there : one.addresses) require(there.port != 0);
    }
}

/// Replies are: task and whether it begins (one byte), status and headers (one byte), size (two bytes), body.
template <typename Protocol>
void run(Protocol protocol, std::vector<std::string> const& header_names, std::uint8_t const* data, std::size_t size) {
    using namespace peerkit;
    using registry::client_task;
    static std::vector<std::byte> const record = own_record();
    byte_reader in{byte_view{reinterpret_cast<std::byte const*>(data), size}};
    while (in.remaining() >= 4) {
        unsigned const first = in.u8(), second = in.u8();
        auto const task = static_cast<client_task>(first % 5);
        registry::registrant who;
        who.record = record;
        who.domain = (first & 64U) != 0 ? "example.test" : "";
        who.registry = "192.0.2.9:8000";
        who.token = "token";
        who.begins = (first & 128U) != 0;
        auto const asked = protocol.request(task, who);
        if (asked) {
            require(asked->target.starts_with('/') && asked->target.find_first_of(" \r\n") == std::string::npos);
            require(asked->url.empty() && asked->max_bytes != 0);
            for (auto const& h : asked->headers) require(h.value.find_first_of("\r\n") == std::string::npos);
        }
        constexpr std::array<unsigned, 8> statuses{200, 201, 304, 400, 401, 404, 429, 503};
        discovery::http_reply reply{.status = statuses[second % statuses.size()]};
        std::size_t const wanted = in.u16();
        byte_view const rest = in.bytes(std::min(wanted, in.remaining()));
        std::string_view text = as_text(rest);
        for (std::size_t i = 0; i < header_names.size(); ++i) {
            if ((second & (8U << i)) == 0) continue;
            std::string_view const line = text.substr(0, text.find('\n'));
            text.remove_prefix(std::min(text.size(), line.size() + 1));
            reply.headers.push_back({header_names[i], std::string{line}});
        }
        reply.body = text;
        auto const meant = protocol.answer(task, std::move(reply), who);
        if (auto const* list = std::get_if<registry::listed>(&meant)) {
            check(list->found);
            require(list->behind >= duration::zero());
        }
        if (auto const* yes = std::get_if<registry::known>(&meant)) {
            check(yes->others);
            require(yes->time_to_live >= duration::zero() && yes->interval >= duration::zero());
        }
        if (auto const* no = std::get_if<registry::refused>(&meant)) {
            require(no->said.size() <= registry::refused::most_words);
            require(no->retry_after >= duration::zero());
        }
        if (auto const* question = std::get_if<registry::challenged>(&meant))
            require(!question->challenge.empty() && question->challenge.size() <= crypto::largest_challenge);
        if ((second & 128U) != 0) protocol.forget();
    }
}

} // namespace fuzz_registry

#endif
