#include "base/units_text.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace literals;

template <typename T>
T value_of(const Parsed<T>& parsed) {
  const auto* value = std::get_if<T>(&parsed);
  EXPECT_NE(value, nullptr) << std::get<UnitsError>(parsed).message;
  return value == nullptr ? T() : *value;
}

template <typename T>
std::string error_of(const Parsed<T>& parsed) {
  const auto* error = std::get_if<UnitsError>(&parsed);
  return error == nullptr ? "no error" : error->message;
}

TEST(UnitsText, DecimalAndBinarySizesAreNotTheSame) {
  EXPECT_EQ(value_of(parse_bytes("80 GB")), 80_GB);
  EXPECT_EQ(value_of(parse_bytes("80 GiB")), 80_GiB);
  EXPECT_EQ(value_of(parse_bytes("15.1GB")), Bytes(15'100'000'000));
}

TEST(UnitsText, RatesAreReadInBitsAndInBytes) {
  EXPECT_EQ(value_of(parse_bytes_per_second("400 Gb/s")), 50_GBps);
  EXPECT_EQ(value_of(parse_bytes_per_second("900 GB/s")), 900_GBps);
}

TEST(UnitsText, TimesAreReadFromPicosecondsToDays) {
  EXPECT_DOUBLE_EQ(value_of(parse_seconds("1.2 us")).value(), 1.2e-6);
  EXPECT_DOUBLE_EQ(value_of(parse_seconds("2 h")).value(), 7200.0);
}

TEST(UnitsText, ABareNumberNamesTheUnitsWanted) {
  EXPECT_EQ(error_of(parse_bytes("80")).rfind("'80' has no unit; wanted one of B, kB", 0), 0U);
}

TEST(UnitsText, AnUnknownUnitIsNamed) {
  EXPECT_NE(error_of(parse_bytes("80 Gb")).find("has the unit 'Gb'"), std::string::npos);
}

TEST(UnitsText, WhatIsNotANumberIsRefused) {
  for (const char* text : {"", "GB", "nan GB", "inf GB", "-1 GB", "1e30 GB", "1,5 GB", "0x10 GB"}) {
    EXPECT_NE(error_of(parse_bytes(text)), "no error") << text;
  }
}

TEST(UnitsText, AFractionOfAByteIsRefused) {
  EXPECT_EQ(error_of(parse_bytes("0.5 B")), "'0.5 B' is 0.5 bytes; wanted a whole number of bytes");
  for (const char* text : {"1e-3 B", "1.5 B", "0.1 KiB", "1.2345 kB", "1e-10 GB"}) {
    EXPECT_NE(error_of(parse_bytes(text)), "no error") << text;
  }
}

TEST(UnitsText, ARoundFigureOfALargeSizeIsWholeEnough) {
  EXPECT_EQ(value_of(parse_bytes("0.47 GiB")), Bytes(504'658'657));
  EXPECT_EQ(value_of(parse_bytes("1.5 KiB")), Bytes(1536));
  EXPECT_EQ(value_of(parse_bytes("0 B")), 0_B);
  EXPECT_EQ(value_of(parse_bytes("0.001 kB")), 1_B);
}

TEST(UnitsText, OutputKeepsFourDigitsAndAReadableUnit) {
  EXPECT_EQ(format_bytes(Bytes(18'180'000'000)), "18.18 GB");
  EXPECT_EQ(format_bytes(512_B), "512 B");
  EXPECT_EQ(format_seconds(Seconds(0.40194)), "401.9 ms");
  EXPECT_EQ(format_rate(50_GBps), "50.00 GB/s");
  EXPECT_EQ(format_percent(0.4128), "41.3 %");
  EXPECT_EQ(format_count(46.7e9), "46.70 B");
}

TEST(UnitsText, RoundingNeverPrintsAThousandOfAUnit) {
  EXPECT_EQ(format_bytes(Bytes(999'999'999)), "1.000 GB");
}

}  // namespace
}  // namespace orrery
