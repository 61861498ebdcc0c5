// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the pieces of netlink in use: what the kernel says, and what it would not say.
#include <peerkit/net/netlink.hpp>

#include <doctest/doctest.h>

#include <ifaddrs.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace peerkit;
using namespace peerkit::net;

#if defined(__linux__)

namespace {

using found = std::vector<std::pair<std::string, address_flags>>;

void append(std::vector<std::byte>& to, void const* from, std::size_t size) {
    auto const* const bytes = static_cast<std::byte const*>(from);
    to.insert(to.end(), bytes, bytes + size);
    to.resize((to.size() + 3) & ~std::size_t{3});
}
template <typename T>
void attribute(std::vector<std::byte>& to, unsigned short type, T const& value) {
    rtattr const head{static_cast<unsigned short>(sizeof(rtattr) + sizeof value), type};
    append(to, &head, sizeof head);
    append(to, &value, sizeof value);
}
/// A message as the kernel writes it: an address with flags, those of one byte and the others.
std::vector<std::byte> message(std::array<std::uint8_t, 16> const& address, std::uint32_t flags,
                               std::uint16_t type = RTM_NEWADDR, unsigned char family = AF_INET6) {
    std::vector<std::byte> made;
    nlmsghdr head{};
    head.nlmsg_type = type;
    append(made, &head, sizeof head);
    ifaddrmsg about{};
    about.ifa_family = family;
    about.ifa_flags = static_cast<unsigned char>(flags);
    append(made, &about, sizeof about);
    attribute(made, IFA_ADDRESS, address);
    attribute(made, IFA_FLAGS, flags);
    head.nlmsg_len = static_cast<std::uint32_t>(made.size());
    std::memcpy(made.data(), &head, sizeof head);
    return made;
}
bool read(std::vector<std::byte> const& bytes, found& to) {
    auto const take = [&to](ip_address const& a, address_flags const& f) { to.emplace_back(a.to_string(), f); };
    return net::detail::read_v6_addresses(bytes, take);
}
constexpr std::array<std::uint8_t, 16> some{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};

} // namespace

TEST_CASE("the flags of an address are read from the message the kernel sends") {
    found f;
    auto bytes = message(some, IFA_F_PERMANENT);
    for (std::uint32_t const flags : {std::uint32_t{IFA_F_TEMPORARY}, std::uint32_t{IFA_F_DEPRECATED},
                                      std::uint32_t{IFA_F_TENTATIVE}, std::uint32_t{IFA_F_MANAGETEMPADDR}}) {
        auto const more = message(some, flags);
        bytes.insert(bytes.end(), more.begin(), more.end());
    }
    CHECK(read(bytes, f));
    REQUIRE(f.size() == 5);
    CHECK(f[0].first == "2001:db8::7");
    std::vector<std::pair<bool, bool>> seen;
    for (auto const& [text, flags] : f) seen.emplace_back(flags.temporary, flags.deprecated);
    CHECK(seen == std::vector<std::pair<bool, bool>>{
                      {false, false}, {true, false}, {false, true}, {false, true}, {false, false}});
}

TEST_CASE("the last message ends the list, others are passed over") {
    found f;
    auto bytes = message(some, 0, RTM_NEWLINK);
    auto const v4 = message(some, 0, RTM_NEWADDR, AF_INET);
    auto const done = message(some, 0, NLMSG_DONE);
    auto const after = message(some, 0);
    for (auto const* part : {&v4, &done, &after}) bytes.insert(bytes.end(), part->begin(), part->end());
    CHECK_FALSE(read(bytes, f));
    CHECK(f.empty());
}

TEST_CASE("a message cut short or with lengths that lie is not read beyond its end") {
    auto const whole = message(some, 0);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        found f;
        (void)read({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}, f);
        CHECK(f.empty());
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (int const value : {0, 1, 3, 255}) {
            auto bad = whole;
            bad[at] = static_cast<std::byte>(value);
            found f;
            (void)read(bad, f);
            CHECK(f.size() <= 1);
        }
    }
}

TEST_CASE("the kernel knows the same IPv6 addresses as the C library") {
    std::multiset<std::string> told, listed;
    for_each_v6_address([&](ip_address const& a, address_flags const&) { told.insert(a.to_string()); });
    ifaddrs* list = nullptr;
    REQUIRE(::getifaddrs(&list) == 0);
    for (ifaddrs const* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET6) continue;
        sockaddr_in6 name{};
        std::memcpy(&name, at->ifa_addr, sizeof name);
        listed.insert(ip_address::from_bytes(std::as_bytes(std::span{name.sin6_addr.s6_addr})).to_string());
    }
    ::freeifaddrs(list);
    CHECK(told == listed);
}

#endif

TEST_CASE("a socket that is none is broken and says nothing") {
    bool broken = false;
    CHECK_FALSE(drain_netlink(-1, broken));
    CHECK(broken);
}
