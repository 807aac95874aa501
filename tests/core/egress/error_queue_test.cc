// The parser of error reports, on what the kernel may write and on what it never should.
#include "core/egress/error_queue.h"

#include <linux/errqueue.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"

#include "core/io/sockaddr.h"

namespace wgr::egress {
namespace {

struct V4Report {
  sock_extended_err error;
  sockaddr_in offender;
};

class ErrorReport {
 public:
  ErrorReport() {
    report_.error.ee_errno = EHOSTUNREACH;
    report_.error.ee_origin = SO_EE_ORIGIN_ICMP;
    report_.error.ee_type = 11;
    report_.offender.sin_family = AF_INET;
    report_.offender.sin_addr.s_addr = htonl(0x0a000001);
    length_ = io::to_sockaddr({IpAddress::v4(8, 8, 8, 8), 33434}, name_);
  }

  V4Report& report() { return report_; }
  sockaddr_storage& name() { return name_; }

  std::optional<SocketError> parse(std::size_t size = sizeof(V4Report), int type = IP_RECVERR,
                                   int flags = 0) {
    alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(size);
    header.cmsg_level = IPPROTO_IP;
    header.cmsg_type = type;
    std::memcpy(control.data(), &header, sizeof header);
    std::memcpy(control.data() + CMSG_LEN(0), &report_, std::min(size, sizeof report_));
    msghdr message{};
    message.msg_name = &name_;
    message.msg_namelen = length_;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(size);
    message.msg_flags = flags;
    return parse_error_report(message, payload_);
  }

 private:
  V4Report report_{};
  sockaddr_storage name_{};
  socklen_t length_ = 0;
  std::array<std::uint8_t, 4> payload_{1, 2, 3, 4};
};

TEST(ErrorQueueTest, TimeExceededNamesTheRouter) {
  const auto error = ErrorReport{}.parse();

  ASSERT_TRUE(error);
  EXPECT_EQ(error->error, EHOSTUNREACH);
  EXPECT_EQ(error->icmp_type, 11);
  EXPECT_EQ(error->icmp_code, 0);
  EXPECT_EQ(error->offender.ip, IpAddress::v4(10, 0, 0, 1));
  EXPECT_EQ(error->destination, (SocketAddress{IpAddress::v4(8, 8, 8, 8), 33434}));
  EXPECT_EQ(error->payload.size(), 4u);
  EXPECT_FALSE(error->is_local);
  EXPECT_EQ(error->mtu, 0u);
}

TEST(ErrorQueueTest, TooBigTellsTheMtu) {
  ErrorReport report;
  report.report().error.ee_errno = EMSGSIZE;
  report.report().error.ee_type = 3;
  report.report().error.ee_code = 4;
  report.report().error.ee_info = 1400;

  EXPECT_EQ(report.parse()->mtu, 1400u);
}

TEST(ErrorQueueTest, ALocalRefusalHasNoOffenderAndNoIcmp) {
  ErrorReport report;
  report.report().error.ee_origin = SO_EE_ORIGIN_LOCAL;
  report.report().offender.sin_family = AF_UNSPEC;

  const auto error = report.parse();

  ASSERT_TRUE(error);
  EXPECT_TRUE(error->is_local);
  EXPECT_TRUE(error->offender.ip.is_unspecified());
  EXPECT_TRUE(error->offender.ip.is_v4());
  EXPECT_EQ(error->icmp_type, 0);
}

TEST(ErrorQueueTest, AReportWithoutItsOffenderIsStillOne) {
  const auto error = ErrorReport{}.parse(sizeof(sock_extended_err));

  ASSERT_TRUE(error);
  EXPECT_TRUE(error->offender.ip.is_unspecified());
}

TEST(ErrorQueueTest, WhatIsShortOrForeignIsNothing) {
  for (std::size_t size = 0; size < sizeof(sock_extended_err); ++size)
    EXPECT_FALSE(ErrorReport{}.parse(size)) << size;
  EXPECT_FALSE(ErrorReport{}.parse(sizeof(V4Report), IP_TTL));
  EXPECT_FALSE(ErrorReport{}.parse(sizeof(V4Report), IP_RECVERR, MSG_CTRUNC));

  ErrorReport timestamp;
  timestamp.report().error.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
  EXPECT_FALSE(timestamp.parse());

  ErrorReport nameless;
  nameless.name().ss_family = AF_UNIX;
  EXPECT_FALSE(nameless.parse());
}

}  // namespace
}  // namespace wgr::egress
