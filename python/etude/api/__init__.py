# SPDX-License-Identifier: Apache-2.0
"""What `import etude` gives: configurations, descriptions, programs, schedules, runs and prices as Python has them."""
