-- SPDX-License-Identifier: GPL-3.0-or-later
-- Runs a script of a TouchOSC control as the program would. usage: lua5.4 touchosc.lua SCRIPT MODE [TAG VALUE]
-- MODE frames: init() and 100 frames, 100 ms apart; each sendOSC as a line "MS ADDRESS VALUE...".
-- MODE receive: onReceiveOSC() with one argument; what it answers, then text and x of the control.
local file, mode, tag, value = table.unpack(arg)
local now = 5000
function getMillis() return now end
function sendOSC(message)
  local words = { now, message[1] }
  for _, argument in ipairs(message[2]) do words[#words + 1] = argument.tag .. '=' .. argument.value end
  print(table.concat(words, ' '))
end
self = { values = { touch = false, text = '', x = 0 } }
dofile(file)
if mode == 'frames' then
  init()
  for _ = 1, 100 do
    update()
    now = now + 100
  end
else
  local argument = { tag = tag }
  if tag == 'f' or tag == 'i' then argument.value = tonumber(value)
  elseif tag == 's' then argument.value = value
  else argument.value = tag == 'T' end
  print(tostring(onReceiveOSC({ '/address', { argument } }, { true })))
  print(self.values.text)
  print(self.values.x)
end
