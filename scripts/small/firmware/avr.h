/* SPDX-License-Identifier: Apache-2.0
 * An ATmega328P without an operating system: cycles by two timers, numbers by the serial port. */
#ifndef SMALL_AVR_H
#define SMALL_AVR_H
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <stdint.h>

/* Timer 1 counts cycles, timer 2 every 1024th, both from 0. */
static inline __attribute__((always_inline)) void start_cycles(void) {
  TCCR1B = TCCR2B = 0;
  TCNT1 = 0;
  TCNT2 = 0;
  TCCR2B = 7;
  TCCR1B = 1;
}

/* Cycles since start_cycles(), up to 250,000; the timers' own are in it (a constant). */
static inline __attribute__((always_inline)) uint32_t cycles_now(void) {
  const uint16_t fine = TCNT1;
  const uint8_t coarse = TCNT2;
  /* Whole turns of timer 1: the number nearest to what timer 2 says. */
  const uint32_t about = (uint32_t)coarse << 10;
  return (((about - fine + 0x8000u) >> 16) << 16) + fine;
}

static void start_output(void) {
  UBRR0 = 0; /* 2 Mbaud at 16 MHz */
  UCSR0A = 1 << U2X0;
  UCSR0B = 1 << TXEN0;
}
static void print_letter(char letter) {
  while (!(UCSR0A & 1 << UDRE0)) {
  }
  UDR0 = (uint8_t)letter;
}
static void print(const char* text) {
  while (*text) {
    print_letter(*text++);
  }
}
static inline void print_hex(uint32_t value) {
  print_letter(' ');
  for (uint8_t i = 0; i < 8; i++, value <<= 4) {
    const uint8_t digit = (uint8_t)(value >> 28);
    print_letter((char)(digit < 10 ? '0' + digit : 'a' + digit - 10));
  }
}
static inline void print_number(uint32_t value) {
  char digits[11];
  uint8_t n = 10;
  digits[10] = 0;
  do {
    digits[--n] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  print(digits + n);
}

/* Waits for the last letter, then sleeps for good: simavr ends there. */
static void end(void) {
  for (volatile uint16_t i = 0; i < 200; i++) {
  }
  cli();
  sleep_mode();
}
#endif
