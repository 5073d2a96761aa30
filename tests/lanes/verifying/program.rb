# Around a block of Ruby: see run.py.
require_relative "verify"

$stdin.each_line(chomp: true) do |line|
  secret, id, sent_at, signatures, body = line.split("\t")
  headers = { "webhook-id" => id, "webhook-timestamp" => sent_at, "webhook-signature" => signatures }
  begin
    verify(secret, headers, body.unpack1("m"))
    puts true
  rescue StandardError
    puts false
  end
end
