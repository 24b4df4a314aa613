package model_test
import ("testing";"os";"time";"fmt";"strings";"bytes")
func TestZZ(t *testing.T){
 head:="cqrsgen: 1\npackage: p\n"
 n:=1<<20-200
 rep:=func(s string,k int)string{return strings.Repeat(s,k/len(s))}
 for name,s:=range map[string]string{
  "flowopen": head+"a: "+rep("[",n),
  "flowdeep": head+"a: "+rep("[",9000)+rep("]",9000),
  "curly": head+"a: "+rep("{a: ",9000),
  "alias": head+"a: ["+rep("*a, ",n)+"]",
  "manykeys": head+"types: {"+func()string{var b strings.Builder; for i:=0;b.Len()<n;i++{fmt.Fprintf(&b,"A%d: x, ",i)};return b.String()}()+"}",
  "manykeysé": head+"types: {é: x, "+func()string{var b strings.Builder; for i:=0;b.Len()<n;i++{fmt.Fprintf(&b,"A%d: x, ",i)};return b.String()}()+"}",
  "unknowntypes": head+"types:\n  S:\n    fields:\n"+func()string{var b strings.Builder; for i:=0;b.Len()<n;i++{fmt.Fprintf(&b,"      a%d: Un%d\n",i,i)};return b.String()}(),
  "manytypes": head+"types:\n"+func()string{var b strings.Builder; for i:=0;b.Len()<n;i++{fmt.Fprintf(&b,"  A%d: {base: strng%d}\n",i,i)};return b.String()}(),
  "events": head+"aggregates:\n  A:\n    id: X\n    events:\n"+func()string{var b strings.Builder; for i:=0;b.Len()<n;i++{fmt.Fprintf(&b,"      E%d: {}\n",i)};return b.String()}(),
  "emits": head+"aggregates:\n  A:\n    id: X\n    events:\n"+func()string{var b strings.Builder; for i:=0;b.Len()<n/2;i++{fmt.Fprintf(&b,"      E%d: {}\n",i)}; b.WriteString("    commands:\n      C: {emits: ["); for i:=0;b.Len()<n;i++{fmt.Fprintf(&b,"F%d, ",i)}; b.WriteString("]}"); return b.String()}(),
  "quotes": head+"a: "+rep("'' ",n),
  "dashes": head+"a:\n"+rep("- ",n),
  "indent": head+func()string{var b strings.Builder; for i:=0;b.Len()<n;i++{b.WriteString(strings.Repeat(" ",i%1000)+"a:\n")};return b.String()}(),
  "comments": head+rep("# x\n",n)+"doc: x",
  "flowlines": head+"a: {"+rep("x",n/2)+",\n"+rep("a: \n",n/2-10),
  "structs": head+"types:\n"+func()string{var b strings.Builder; for i:=0;b.Len()<n;i++{fmt.Fprintf(&b,"  A%d: {fields: {a: A%d, b: A%d}}\n",i,i+1,i+2)};return b.String()}(),
  "longname": head+rep("x",n/2)+": "+rep("y",n/2-10),
 }{
  if w:=os.Getenv("W"); w!="" && w!=name {continue}
  st:=time.Now(); _,d:=resolve("m",[]byte(s)); p:=time.Since(st)
  st=time.Now(); var b bytes.Buffer; d.Write(&b,"m",[]byte(s))
  fmt.Println(name,len(s),p.Round(time.Millisecond),time.Since(st).Round(time.Millisecond),len(d.Sorted()), strings.SplitN(b.String(),"\n",2)[0][:min(100,len(strings.SplitN(b.String(),"\n",2)[0]))])
 }
}
