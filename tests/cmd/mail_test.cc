#include "cmd/mail.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wgr {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using Kind = Mail::SessionEvent::Kind;

constexpr SessionId kLoud{1, 1};
constexpr SessionId kQuiet{1, 2};
constexpr GuestId kGuest{0, 0, 1};
constexpr GuestId kQuietGuest{0, 0, 2};

class MailTest : public testing::Test {
 protected:
  void add_frame(SessionId session, const std::string& text) {
    const Bytes bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
    mail_.frames.push_back({session, 0, mail_.append(bytes)});
  }
  static std::vector<std::string> frames_of(Mail& mail, SessionId session) {
    std::vector<std::string> texts;
    for (const Mail::Frame& frame : mail.frames) {
      const Bytes bytes = mail.at(frame.piece);
      if (frame.session == session) texts.emplace_back(bytes.begin(), bytes.end());
    }
    return texts;
  }

  Mail mail_;
};

// One read of a socket may hold thousands of short frames.
TEST_F(MailTest, SessionThatSendsTheMostFillsNoMailbox) {
  for (int i = 0; i < 6553; ++i) add_frame(kLoud, std::to_string(i));
  add_frame(kQuiet, "one");
  add_frame(kQuiet, "two");
  SlicedMail sliced = slice(std::move(mail_), 512, 512);

  ASSERT_THAT(sliced.slices, SizeIs(2));
  EXPECT_THAT(frames_of(sliced.slices[0], kQuiet), ElementsAre("one", "two"));
  EXPECT_EQ(sliced.slices[0].weight(), 512u);
  EXPECT_THAT(frames_of(sliced.slices[1], kLoud), ElementsAre("510", "511"));
  EXPECT_EQ(sliced.dropped, 6553u - 512u);
}

// A datagram may be as short as 32 bytes, and its sender chooses the worker it is for.
TEST_F(MailTest, SessionWithTheMostDatagramsFillsNoMailbox) {
  for (int i = 0; i < 4096; ++i)
    mail_.datagrams.push_back({Endpoint::of_session(kLoud, {}), mail_.append(Bytes{})});
  mail_.datagrams.push_back({Endpoint::of_session(kQuiet, {}), mail_.append(Bytes{})});
  mail_.datagrams.push_back({Endpoint::udp(*SocketAddress::parse("192.0.2.1:5")), mail_.append(Bytes{})});
  const SlicedMail sliced = slice(std::move(mail_), 512, 512);

  ASSERT_THAT(sliced.slices, SizeIs(2));
  EXPECT_EQ(sliced.slices[0].datagrams.at(1).from.session, kQuiet.value());
  EXPECT_EQ(sliced.slices[0].datagrams.at(2).from.kind, Endpoint::Kind::kUdp);
  EXPECT_EQ(sliced.dropped, 4096u - 512u);
}

TEST_F(MailTest, GuestWithTheMostPacketsFillsNoMailbox) {
  for (int i = 0; i < 4096; ++i) {
    mail_.packets.push_back({kGuest, kQuietGuest, mail_.append(Bytes{})});
    mail_.lan_packets.push_back({kGuest, 0, mail_.append(Bytes{})});
  }
  mail_.packets.push_back({kQuietGuest, kGuest, mail_.append(Bytes{})});
  mail_.lan_packets.push_back({kQuietGuest, 0, mail_.append(Bytes{})});
  const SlicedMail sliced = slice(std::move(mail_), 512, 512);

  ASSERT_THAT(sliced.slices, SizeIs(3));
  EXPECT_EQ(sliced.slices[0].packets.at(1).from, kQuietGuest);
  EXPECT_EQ(sliced.slices[1].lan_packets.at(0).from, kGuest);
  EXPECT_EQ(sliced.slices[1].lan_packets.at(1).from, kQuietGuest);
  EXPECT_EQ(sliced.dropped, 2 * (4096u - 512u));
}

TEST_F(MailTest, SlicesHoldEverythingInTheOrderOfEachSession) {
  for (const char* const text : {"a", "b", "c"}) {
    add_frame(kLoud, text);
    mail_.packets.push_back({kGuest, kGuest, mail_.append(Bytes{})});
  }
  SlicedMail sliced = slice(std::move(mail_), 4, 4);

  ASSERT_THAT(sliced.slices, SizeIs(2));
  EXPECT_THAT(sliced.slices[0].packets, SizeIs(3));
  EXPECT_THAT(frames_of(sliced.slices[0], kLoud), ElementsAre("a"));
  EXPECT_THAT(frames_of(sliced.slices[1], kLoud), ElementsAre("b", "c"));
  EXPECT_EQ(sliced.dropped, 0u);
}

TEST_F(MailTest, SessionOpensBeforeItsFirstFrameAndClosesBehindItsLast) {
  mail_.events.push_back({Kind::kOpened, kLoud, 0, {}});
  mail_.events.push_back({Kind::kClosed, kLoud, 0, {}});
  for (const char* const text : {"a", "b", "c"}) add_frame(kLoud, text);
  SlicedMail sliced = slice(std::move(mail_), 2, 2);

  ASSERT_THAT(sliced.slices, SizeIs(1)) << "of one session, no more than the limit";
  EXPECT_EQ(sliced.dropped, 1u);
  mail_ = {};
  mail_.events.push_back({Kind::kOpened, kLoud, 0, {}});
  mail_.events.push_back({Kind::kClosed, kLoud, 0, {}});
  add_frame(kLoud, "a");
  add_frame(kQuiet, "b");
  add_frame(kLoud, "c");
  sliced = slice(std::move(mail_), 2, 2);
  ASSERT_THAT(sliced.slices, SizeIs(2));
  EXPECT_EQ(sliced.slices[0].events.at(0).kind, Kind::kOpened);
  EXPECT_EQ(sliced.slices[1].events.at(0).kind, Kind::kClosed);
}

}  // namespace
}  // namespace wgr
