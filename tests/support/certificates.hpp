// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Certificates for tests of HTTPS, made when they are needed: a repository holds no keys.
#ifndef PEERKIT_TESTS_SUPPORT_CERTIFICATES_HPP
#define PEERKIT_TESTS_SUPPORT_CERTIFICATES_HPP

#include <doctest/doctest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

namespace certificates {

struct freeing {
    void operator()(X509* of) const noexcept { ::X509_free(of); }
    void operator()(EVP_PKEY* of) const noexcept { ::EVP_PKEY_free(of); }
    void operator()(X509_EXTENSION* of) const noexcept { ::X509_EXTENSION_free(of); }
};

/// A certificate with its key.
struct certified {
    std::unique_ptr<EVP_PKEY, freeing> key;
    std::unique_ptr<X509, freeing> certificate;

    void write(std::string const& path) const {
        std::FILE* const file = std::fopen(path.c_str(), "w");
        REQUIRE(file != nullptr);
        CHECK(::PEM_write_X509(file, certificate.get()) == 1);
        std::fclose(file);
    }
};

/// @param names as in "DNS:localhost,IP:127.0.0.1"; empty: an authority
/// @param by who signs; null: itself
inline certified make(char const* title, char const* names = nullptr, certified const* by = nullptr) {
    certified made;
    made.key.reset(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    made.certificate.reset(::X509_new());
    REQUIRE(made.key != nullptr);
    X509* const x = made.certificate.get();
    ::X509_set_version(x, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(x), by == nullptr ? 1 : 2);
    ::X509_gmtime_adj(::X509_getm_notBefore(x), -3600);
    ::X509_gmtime_adj(::X509_getm_notAfter(x), 3600);
    ::X509_set_pubkey(x, made.key.get());
    ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                 reinterpret_cast<unsigned char const*>(title), -1, -1, 0);
    ::X509_set_issuer_name(x, ::X509_get_subject_name(by == nullptr ? x : by->certificate.get()));
    int const kind = names == nullptr ? NID_basic_constraints : NID_subject_alt_name;
    std::unique_ptr<X509_EXTENSION, freeing> const extension{
        ::X509V3_EXT_conf_nid(nullptr, nullptr, kind, names == nullptr ? "critical,CA:TRUE" : names)};
    REQUIRE(extension != nullptr);
    ::X509_add_ext(x, extension.get(), -1);
    REQUIRE(::X509_sign(x, by == nullptr ? made.key.get() : by->key.get(), ::EVP_sha256()) > 0);
    return made;
}

} // namespace certificates

#endif
